"""The asynchronous client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import grpc
from grpc import aio

from signerd_client import (
    activation_call,
    admin_call,
    authority_call,
    batch_call,
    change_call,
    document_call,
    enrolment_call,
    evidence_call,
    inventory_call,
    login_call,
    message_call,
    proof_call,
    replace_call,
    sign_document_call,
    signing_call,
    subscriber_call,
    timestamp_call,
)
from signerd_client.activation import UNAUTHORISED
from signerd_client.async_sign_stream import AsyncSignSource
from signerd_client.batch_call import BatchSignCall, SignResult, SignStreamCall
from signerd_client.batch_progress import BatchProgress
from signerd_client.binding import bind
from signerd_client.call import Call, Listing, Watch, new_request_id
from signerd_client.certificate import Renewed
from signerd_client.coalescing import Coalescer
from signerd_client.error import FailedPrecondition, SignerdError
from signerd_client.remote_key import RemotePrivateKey, Signing, remote_private_key
from signerd_client.replace_call import renewal_statement
from signerd_client.retry import DEFAULT_RETRY, RetryPolicy
from signerd_client.session import Session
from signerd_client.sign_document_call import DocumentCall, DocumentSource
from signerd_client.signature import Signature
from signerd_client.target import Target

if TYPE_CHECKING:
    from signerd_client.status import Failure

P = ParamSpec("P")
T = TypeVar("T")


def _unary(
    make: Callable[P, Call[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    return bind(make, lambda self, call: self._run(call))


def _listing(
    make: Callable[P, Listing[T]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[T]]:
    return bind(make, lambda self, listing: self._run_listing(listing))


def _watch(
    make: Callable[P, Watch[T]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[T]]:
    return bind(make, lambda self, watch: self._run_watch(watch))


def _signature(
    make: Callable[P, Call[Signature]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, Signature]]:
    return bind(make, lambda self, call: self._run_sign(call))


def _batch(
    make: Callable[P, BatchSignCall],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, tuple[SignResult, ...]]]:
    return bind(make, lambda self, batch: self._run_batch(batch))


def _sign_stream(
    make: Callable[P, SignStreamCall],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[SignResult]]:
    return bind(make, lambda self, call: self._run_sign_stream(call))


def _document(
    make: Callable[P, DocumentCall],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, Signature]]:
    return bind(make, lambda self, document: self._run_document(document))


class AsyncClient:
    """A connection to a daemon, for tasks of one event loop; use it as a context manager.

    The same methods as Client: those with one answer are awaited, lists and watches are
    asynchronous iterators. Every method raises a subclass of SignerdError.
    """

    def __init__(
        self,
        target: Target,
        *,
        timeout_s: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        coalesce: bool = True,
    ) -> None:
        """timeout_s is the deadline of calls that are given none. coalesce: calls of `sign` at the
        same time are sent together, which makes many of them several times as fast; the daemon
        then has one audit record for what a key signed, under one request id. Raises
        InvalidTarget.

        It belongs to the event loop of its first call. Nothing is sent before that.
        """
        self._session = Session(target, timeout_s=timeout_s, retry=retry)
        self._channel: aio.Channel | None = None
        self._coalescer = Coalescer(self._attempt, self._attempt) if coalesce else None

    issue_certificate = _unary(authority_call.issue_certificate)
    reissue_certificate = _unary(replace_call.reissue_certificate)
    renew_certificate = _unary(replace_call.renew_certificate)
    suspend_certificate = _unary(change_call.suspend_certificate)
    resume_certificate = _unary(change_call.resume_certificate)
    revoke_certificate = _unary(change_call.revoke_certificate)
    get_certificate = _unary(authority_call.get_certificate)
    list_certificates = _listing(inventory_call.list_certificates)
    count_certificates = _unary(inventory_call.count_certificates)
    watch_certificates = _watch(inventory_call.watch_certificates)
    get_ca_chain = _unary(authority_call.get_ca_chain)
    verify_identity = _unary(subscriber_call.verify_identity)
    register_subscriber = _unary(subscriber_call.register_subscriber)
    update_subscriber = _unary(subscriber_call.update_subscriber)
    get_subscriber = _unary(subscriber_call.get_subscriber)
    find_subscribers = _unary(subscriber_call.find_subscribers)
    erase_subscriber = _unary(subscriber_call.erase_subscriber)
    set_password = _unary(evidence_call.set_password)
    register_biometric_key = _unary(evidence_call.register_biometric_key)
    open_enrolment = _unary(enrolment_call.open_enrolment)
    send_code = _unary(enrolment_call.send_code)
    prove_identity = _unary(enrolment_call.prove_identity)
    claim_certificate = _unary(enrolment_call.claim_certificate)
    report_loss = _unary(enrolment_call.report_loss)
    get_enrolment = _unary(enrolment_call.get_enrolment)
    list_enrolments = _listing(enrolment_call.list_enrolments)
    cancel_enrolment = _unary(enrolment_call.cancel_enrolment)
    get_public_key = _unary(signing_call.get_public_key)
    sign = _signature(signing_call.sign)
    batch_sign = _batch(batch_call.batch_sign)
    sign_stream = _sign_stream(batch_call.sign_stream)
    sign_document = _document(sign_document_call.sign_document)
    verify = _unary(signing_call.verify)
    set_activation_pin = _unary(activation_call.set_activation_pin)
    send_activation_code = _unary(activation_call.send_activation_code)
    authorize_signing = _unary(activation_call.authorize_signing)
    unlock_activation = _unary(activation_call.unlock_activation)
    sign_cms = _unary(document_call.sign_cms)
    verify_cms = _unary(document_call.verify_cms)
    create_timestamp = _unary(timestamp_call.create_timestamp)
    verify_timestamp = _unary(timestamp_call.verify_timestamp)
    create_challenge = _unary(login_call.create_challenge)
    sign_login = _unary(login_call.sign_login)
    verify_challenge_response = _unary(login_call.verify_challenge_response)
    server_info = _unary(admin_call.server_info)
    token_status = _unary(admin_call.token_status)
    list_audit_events = _listing(admin_call.list_audit_events)
    watch_audit_events = _watch(admin_call.watch_audit_events)
    prove_audit_record = _unary(proof_call.prove_audit_record)
    list_messages = _listing(message_call.list_messages)
    get_message = _unary(message_call.get_message)
    health = _unary(admin_call.health)

    async def renew(
        self,
        certificate: str,
        *,
        authorisation: str = "",
        request_id: str | None = None,
        timeout_s: float | None = None,
    ) -> Renewed:
        """Renew a certificate with whose key this caller may sign: makes the proof and sends it.

        authorisation: the subscriber's agreement, where the key requires it. timeout_s is the
        deadline of each call on the way. A repetition with the same request_id returns what was
        made, although the old key no longer signs.
        """
        request_id = request_id or new_request_id()
        proof = await self.prove_renewal(
            certificate, request_id, authorisation=authorisation, timeout_s=timeout_s
        )
        return await self.renew_certificate(
            certificate, proof, request_id=request_id, timeout_s=timeout_s
        )

    async def prove_renewal(
        self,
        certificate: str,
        request_id: str,
        *,
        authorisation: str = "",
        timeout_s: float | None = None,
    ) -> bytes:
        """The proof for `renew_certificate`, signed by the certificate's key; empty where that does
        not sign: of such a renewal the daemon says why not, or what it made before."""
        found = await self.get_certificate(certificate, timeout_s=timeout_s)
        if not found.credential:
            return b""
        statement = renewal_statement(found.name, request_id)
        try:
            signed = await self.sign(
                found.credential,
                data=statement,
                authorisation=authorisation,
                timeout_s=timeout_s,
            )
        except FailedPrecondition as refused:
            if refused.reason in UNAUTHORISED:
                raise
            return b""
        return signed.signature

    async def private_key(
        self,
        credential: str,
        *,
        purpose: str = "",
        authorisation: str = "",
        timeout_s: float | None = None,
    ) -> RemotePrivateKey:
        """The key of a credential, for libraries that take private keys of `cryptography`.

        It stays on the token. purpose and authorisation go with every signature, as of `sign`;
        timeout_s is the deadline of this call and of each signature. Raises UnsupportedAlgorithm
        for a key that is newer than this client.

        Those libraries do not await, so whatever signs with it runs in another thread, as with
        `await asyncio.to_thread(builder.sign, key, key.hash_algorithm)`, while the event loop of
        this client talks to the daemon. In the loop's own thread it raises RuntimeError.
        """
        public = await self.get_public_key(credential, timeout_s=timeout_s)
        loop = asyncio.get_running_loop()
        signing = Signing(
            lambda call: self._run_from_thread(loop, call), timeout_s, purpose, authorisation
        )
        return remote_private_key(public, signing)

    async def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        if self._channel is not None:
            await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self) -> aio.Channel:
        if self._channel is None:
            session = self._session
            self._channel = (
                aio.insecure_channel(session.target.address, session.options)
                if session.credentials is None
                else aio.secure_channel(
                    session.target.address, session.credentials, session.options
                )
            )
        return self._channel

    def _run_from_thread(self, loop: asyncio.AbstractEventLoop, call: Call[T]) -> T:
        try:
            blocked = asyncio.get_running_loop() is loop
        except RuntimeError:
            blocked = False
        if blocked:
            raise RuntimeError(
                "the key of an AsyncClient would wait for its own event loop;"
                " sign in another thread, as with asyncio.to_thread"
            )
        return asyncio.run_coroutine_threadsafe(self._run(call), loop).result()

    async def _run_sign(self, call: Call[Signature]) -> Signature:
        coalescer = self._coalescer
        return await self._run(call, coalescer.sign if coalescer is not None else None)

    async def _run(
        self, call: Call[T], attempt: Callable[[Call[T], float], Awaitable[T]] | None = None
    ) -> T:
        attempts = self._session.attempts(call)
        while True:
            try:
                return await (attempt or self._attempt)(call, attempts.remaining_s)
            except SignerdError as error:
                delay_s = attempts.delay_after(error)
                if delay_s is None:
                    raise attempts.final(error) from error.__cause__
            await asyncio.sleep(delay_s)

    async def _attempt(self, call: Call[T], timeout_s: float) -> T:
        send = self._open().unary_unary(call.method, None, None)
        try:
            answer = await send(call.payload, timeout=timeout_s, metadata=call.metadata)
        except grpc.RpcError as failure:
            raise self._session.error_of(cast("Failure", failure), call) from failure
        return self._session.value_of(answer, call)

    async def _run_listing(self, listing: Listing[T]) -> AsyncIterator[T]:
        token = ""
        while True:
            page = await self._run(listing.page(token))
            for item in page.items:
                yield item
            token = page.next_token
            if not token:
                return

    async def _run_watch(self, watch: Watch[T]) -> AsyncIterator[T]:
        progress = self._session.progress(watch)
        while True:
            try:
                async for item in self._stream(progress.open(), progress.remaining_s):
                    progress.received(item)
                    yield item
                error: SignerdError = self._session.ended()
            except SignerdError as failure:
                error = failure
            if progress.is_over:
                return
            delay_s = progress.delay_after(error)
            if delay_s is None:
                raise error
            await asyncio.sleep(delay_s)

    async def _stream(self, call: Call[T], timeout_s: float | None) -> AsyncIterator[T]:
        stream = self._open().unary_stream(call.method, None, None)(call.payload, timeout=timeout_s)
        try:
            async for answer in stream:
                yield self._session.value_of(answer, call)
        except grpc.RpcError as failure:
            raise self._session.error_of(cast("Failure", failure), call) from failure
        finally:
            stream.cancel()

    async def _run_batch(self, batch: BatchSignCall) -> tuple[SignResult, ...]:
        progress = BatchProgress(batch)
        attempts = self._session.attempts(progress.call())
        while True:
            try:
                progress.take(await self._attempt(progress.call(), attempts.remaining_s))
                problem = progress.problem
            except SignerdError as error:
                problem = error
            if problem is None:
                return progress.results
            delay_s = attempts.delay_after(problem)
            if delay_s is None:
                break
            await asyncio.sleep(delay_s)
        if progress.has_results:
            return progress.results
        raise attempts.final(problem) from problem.__cause__

    async def _run_sign_stream(self, call: SignStreamCall) -> AsyncIterator[SignResult]:
        progress = self._session.sign_progress(call)
        source = AsyncSignSource(call, progress)
        try:
            while not progress.is_over:
                try:
                    async for result in self._sign_stream(source, call, progress.remaining_s):
                        yield result
                    if progress.is_over:
                        break
                    error: SignerdError = self._session.ended()
                except SignerdError as failure:
                    error = failure
                delay_s = progress.delay_after(error)
                if delay_s is None:
                    raise error
                await asyncio.sleep(delay_s)
        finally:
            source.close()
        if source.failure is not None:
            raise source.failure

    async def _sign_stream(
        self, source: AsyncSignSource, call: SignStreamCall, timeout_s: float | None
    ) -> AsyncIterator[SignResult]:
        one = call.with_decoder(source.answered)
        stream = self._open().stream_stream(one.method, None, None)(
            source.messages(), timeout=timeout_s, metadata=one.metadata
        )
        try:
            async for answer in stream:
                for result in self._session.value_of(answer, one):
                    yield result
        except grpc.RpcError as failure:
            raise self._session.error_of(cast("Failure", failure), one) from failure
        finally:
            stream.cancel()

    async def _run_document(self, document: DocumentCall) -> Signature:
        attempts = self._session.attempts(document.call)
        while True:
            try:
                return await self._send_document(document, attempts.remaining_s)
            except SignerdError as error:
                delay_s = attempts.delay_after(error)
                if delay_s is None or not document.can_repeat:
                    raise attempts.final(error) from error.__cause__
            await asyncio.sleep(delay_s)

    async def _send_document(self, document: DocumentCall, timeout_s: float) -> Signature:
        call = document.call
        source = DocumentSource(document)
        send = self._open().stream_unary(call.method, None, None)
        try:
            answer = await send(source.read_in_threads(), timeout=timeout_s, metadata=call.metadata)
        except grpc.RpcError as failure:
            if source.problem is not None:
                raise source.problem from None
            raise self._session.error_of(cast("Failure", failure), call) from failure
        return self._session.value_of(answer, call)
