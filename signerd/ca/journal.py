"""The issuance journal: one way from a reserved serial to a stored certificate.

The first call, its retries and the keeper after a crash all walk the same way, each from where the
journal stands. What happens if the process dies on any line follows from two rules:

- RESERVED: a key may exist on the token under the reserved CKA_ID, or may still be in the making.
  Nobody has seen it: whoever takes over gives it up and makes one under a new CKA_ID.
- INTENT: key and exact TBS bytes are recorded. Signing them again yields the same certificate, and
  only what `complete_issuance` stores is ever answered.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from signerd.ca.absence import AbsentTokens
from signerd.ca.authority import Authority
from signerd.ca.outcome import certificate_of, issued_events, refusal_of, refused_event
from signerd.ca.ports import CertificateStore, IssuanceStore, KeyTokens
from signerd.ca.prove_key import READY_KEY_LOST, prove_key
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import (
    HOST_LOST,
    DeadlineExceeded,
    Internal,
    Interrupted,
    InvalidRequest,
    SignerdError,
    TokenRefused,
    TokenUnavailable,
    WrongState,
)
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import IssuanceState
from signerd.core.record import (
    CertificateRecord,
    GeneratedKey,
    IssuanceDraft,
    IssuanceRecord,
    RequestKey,
)
from signerd.core.value import InstanceId, IssuanceId, KeyRef, TokenRef
from signerd.pki.certificate import (
    assemble_certificate,
    lint_tbs,
    message_to_sign,
    prepare_certificate,
)
from signerd.pki.profile import Profile

_POLL_S = 0.05
# How long one walk may take once begun, whatever the caller's own deadline: the caller may go away,
# the work is brought to its end. Longer than the slowest key generation.
_WALK_S = 180.0

# So many hosts may die while they make one key before its token is taken to be the cause.
_MOST_HOSTS_LOST: Final = 4
# What says nothing against the token: another key can be made there.
_KEY_ONLY: Final = (HOST_LOST, READY_KEY_LOST)
# How often it is tried to let go of an issuance while the store does not take it.
_LET_GO_S = 1.0

_FINAL: Final = (InvalidRequest, TokenRefused, WrongState, Internal)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class JournalContext:
    """What the journal works with. monotonic: seconds, as deadlines are counted. random: bytes
    from a secure source."""

    issuances: IssuanceStore
    certificates: CertificateStore
    tokens: KeyTokens
    authority: Authority
    profiles: Callable[[], dict[str, Profile]]
    clock: Clock
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]
    owner: InstanceId


class IssuanceJournal:
    """Brings issuances to their end, each by one walker at a time."""

    def __init__(self, context: JournalContext) -> None:
        self._context = context
        self._walks: dict[IssuanceId, asyncio.Task[CertificateRecord]] = {}
        # Walks of issuances begun here: nobody has used their CKA_ID before.
        self._first_walks: set[IssuanceId] = set()
        # What must come to its end though nobody may wait for it any more.
        self._steps: set[asyncio.Task[Any]] = set()
        self._releases: set[asyncio.Task[None]] = set()
        self._absent = AbsentTokens(context.monotonic)

    async def find(self, request: RequestKey) -> IssuanceRecord | None:
        """What an earlier call with this request id began; None for a new one.

        Asked before a request is judged: what was issued stays issued, also when the profile or
        the certificate it came from has changed since. Raises Conflict (REQUEST_ID_REUSED).
        """
        return await self._context.issuances.find_issuance(request)

    async def begin(self, draft: IssuanceDraft) -> IssuanceRecord:
        """Reserve, or find what the same request reserved before; see the port for what it raises.

        A new issuance is walked from here on, also when the caller is cancelled at this moment:
        one that is reserved and owned by a living process, and walked by nobody, would stay open.
        """
        return await self._to_the_end(self._begin(draft))

    async def settle(self, record: IssuanceRecord, *, deadline: float) -> CertificateRecord:
        """The certificate of an issuance, made now or earlier, here or elsewhere.

        The walk goes on when the caller is cancelled. Raises the refusal of a refused issuance,
        Interrupted (REQUEST_IN_PROGRESS) when another process still works on it at the deadline,
        and whatever keeps the token or the store from doing its part now.
        """
        issuance_id = record.draft.issuance_id
        while True:
            if record.state is IssuanceState.ISSUED and record.certificate is not None:
                return await self._context.certificates.get_certificate(record.certificate)
            if record.state is IssuanceState.REFUSED:
                raise refusal_of(record)
            walk = self._walks.get(issuance_id) or await self._to_the_end(self._claim(record))
            if walk is not None:
                return await asyncio.shield(walk)
            if self._context.monotonic() + _POLL_S > deadline:
                raise Interrupted(
                    "this request is still being worked on; repeat it with the same request_id",
                    reason="REQUEST_IN_PROGRESS",
                    retry_after_s=1.0,
                )
            await asyncio.sleep(_POLL_S)
            record = await self._context.issuances.get_issuance(issuance_id)

    async def resume(self, issuance_id: IssuanceId) -> CertificateRecord | None:
        """Take an interrupted issuance over and bring it to its end; None when someone else did."""
        walk = await self._to_the_end(self._take_over(issuance_id))
        return None if walk is None else await walk

    async def drain(self, allowed_s: float) -> None:
        """Wait for the walks that are under way. What takes longer than allowed_s seconds is let
        go, for another process to take over."""
        until = self._context.monotonic() + allowed_s
        while tasks := [*self._steps, *self._walks.values()]:
            left_s = until - self._context.monotonic()
            if left_s <= 0:
                break
            await asyncio.wait(tasks, timeout=left_s)
        await _end([*self._steps, *self._walks.values()])
        # The end of this process lets go of what the store did not take.
        await _end([*self._releases])

    async def _to_the_end(self, step: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.ensure_future(step)
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)
        return await asyncio.shield(task)

    async def _begin(self, draft: IssuanceDraft) -> IssuanceRecord:
        reach(FaultPoint.ISSUE_BEFORE_RESERVE)
        record, is_new = await self._context.issuances.begin_issuance(
            draft, avoid=self._absent.now()
        )
        if is_new:
            reach(FaultPoint.ISSUE_RESERVED)
            self._first_walks.add(record.draft.issuance_id)
            self._walk(record.draft.issuance_id)
        return record

    async def _claim(self, record: IssuanceRecord) -> asyncio.Task[CertificateRecord] | None:
        issuance_id, owner = record.draft.issuance_id, self._context.owner
        if record.owner == owner:
            # Of a walk that has ended and could not let go yet.
            await self._context.issuances.release_issuance(issuance_id, owner)
        elif record.owner_alive:
            return None
        return await self._take_over(issuance_id)

    async def _take_over(self, issuance_id: IssuanceId) -> asyncio.Task[CertificateRecord] | None:
        context = self._context
        taken = await context.issuances.take_over_issuance(
            issuance_id, context.owner, fresh_cka_id=context.random(16)
        )
        return None if taken is None else self._walk(issuance_id)

    def _walk(self, issuance_id: IssuanceId) -> asyncio.Task[CertificateRecord]:
        task = self._walks.get(issuance_id)
        if task is None:
            task = asyncio.create_task(self._walk_to_end(issuance_id))
            self._walks[issuance_id] = task
            task.add_done_callback(lambda _: self._forget(issuance_id))
        return task

    def _forget(self, issuance_id: IssuanceId) -> None:
        task = self._walks.pop(issuance_id)
        self._first_walks.discard(issuance_id)
        if not task.cancelled():
            task.exception()  # The callers may all have gone; then nobody else asks for it.

    async def _walk_to_end(self, issuance_id: IssuanceId) -> CertificateRecord:
        try:
            return await self._advance_or_refuse(issuance_id)
        except Interrupted:
            raise
        except BaseException as error:
            await self._let_go(issuance_id, in_flight=_may_be_making(error))
            raise

    async def _advance_or_refuse(self, issuance_id: IssuanceId) -> CertificateRecord:
        store = self._context.issuances
        record = await store.get_issuance(issuance_id)
        try:
            return await self._advance(record, self._context.monotonic() + _WALK_S)
        except _FINAL as error:
            await store.refuse_issuance(
                issuance_id,
                self._context.owner,
                reason=error.reason,
                message=error.message,
                event=refused_event(record.draft, error, self._context.clock.now()),
            )
            raise

    async def _let_go(self, issuance_id: IssuanceId, *, in_flight: bool) -> None:
        """Leave an issuance to others: a living process that owns it and does nothing would keep
        every retry elsewhere waiting."""
        store, owner = self._context.issuances, self._context.owner
        try:
            await store.release_issuance(issuance_id, owner, in_flight=in_flight)
        except SignerdError:
            task = asyncio.create_task(self._let_go_later(issuance_id, in_flight=in_flight))
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)

    async def _let_go_later(self, issuance_id: IssuanceId, *, in_flight: bool) -> None:
        store, owner = self._context.issuances, self._context.owner
        while True:
            await asyncio.sleep(_LET_GO_S)
            if issuance_id in self._walks:
                return
            try:
                await store.release_issuance(issuance_id, owner, in_flight=in_flight)
            except SignerdError:
                continue
            return

    async def _advance(self, record: IssuanceRecord, deadline: float) -> CertificateRecord:
        """The way of one issuance.

        1. The key is made under the reserved CKA_ID (a CSR brings its own; one that was made
           ahead proves that it is still there). When its token is out of service it is reserved on
           another one instead; when the token host dies meanwhile, which may have made it, under
           another CKA_ID.
        2. The certificate is built and linted with a throwaway key; its TBS bytes are what will
           be signed.
        3. Key and TBS are recorded as intent, before the CA's key is used.
        4. The token signs the TBS.
        5. The certificate is put together and verified with the CA's public key.
        6. Certificate, audit and the end of a certificate that it replaces are stored at once.
        """
        context, draft = self._context, record.draft
        key, spki, tbs = record.made_key, record.spki, record.tbs
        if record.state is IssuanceState.RESERVED or spki is None or tbs is None:
            record, key = await self._make_key(record, deadline)
            spki = key.spki if key is not None else draft.spki
            if spki is None:
                raise Internal("an issuance has neither a key nor a CSR")
            tbs = await asyncio.to_thread(self._prepare, record, spki)
            reach(FaultPoint.ISSUE_LINTED)
            await context.issuances.record_intent(
                draft.issuance_id, context.owner, key=key, tbs=tbs
            )
        else:
            await asyncio.to_thread(lint_tbs, tbs, context.authority.issuer)
        reach(FaultPoint.ISSUE_INTENT_RECORDED)
        der = await self._sign(tbs, deadline)
        certificate = certificate_of(record, der, context.clock.now())
        made, ended = issued_events(draft, certificate, key)
        stored = await context.issuances.complete_issuance(
            draft.issuance_id, context.owner, certificate, [made], end_event=ended
        )
        reach(FaultPoint.ISSUE_STORED)
        return stored

    async def _make_key(
        self, record: IssuanceRecord, deadline: float
    ) -> tuple[IssuanceRecord, GeneratedKey | None]:
        """The record as it stands once the key is made; no key for a CSR."""
        failed: set[TokenRef] = set()
        lost = 0
        is_repeat = record.draft.issuance_id not in self._first_walks
        while record.key is not None and record.draft.algorithm is not None:
            try:
                key = await self._key_at(
                    record.key,
                    record.draft.algorithm,
                    record.made_key,
                    deadline=deadline,
                    is_repeat=is_repeat,
                )
            except TokenUnavailable as error:
                if error.reason in _KEY_ONLY and lost < _MOST_HOSTS_LOST:
                    lost += 1
                else:
                    failed.add(record.key.token)
                    self._absent.note(record.key.token)
                moved = await self._context.issuances.move_issuance(
                    record.draft.issuance_id,
                    self._context.owner,
                    fresh_cka_id=self._context.random(16),
                    avoid=failed | self._absent.now(),
                )
                if moved is None:
                    raise
                record, is_repeat = moved, False
            else:
                reach(FaultPoint.ISSUE_KEY_GENERATED)
                return record, key
        return record, None

    async def _key_at(
        self,
        place: KeyRef,
        algorithm: KeyAlgorithm,
        made: GeneratedKey | None,
        *,
        deadline: float,
        is_repeat: bool,
    ) -> GeneratedKey:
        tokens = self._context.tokens
        if made is None:
            return await tokens.generate_key(
                place, algorithm, deadline=deadline, is_repeat=is_repeat
            )
        await prove_key(tokens, place, algorithm, made, deadline=deadline)
        return made

    def _prepare(self, record: IssuanceRecord, spki: bytes) -> bytes:
        draft = record.draft
        profile = self._context.profiles().get(draft.profile)
        if profile is None:
            raise WrongState(
                f'profile "{draft.profile}" was removed while this request was under way',
                reason="PROFILE_REMOVED",
            )
        return prepare_certificate(
            profile,
            self._context.authority.issuer,
            draft.subject,
            spki=spki,
            serial=draft.serial,
            not_before_utc=draft.not_before_utc,
            not_after_utc=draft.not_after_utc,
            identity=draft.identity,
            running_number=record.running_number,
        ).tbs

    async def _sign(self, tbs: bytes, deadline: float) -> bytes:
        authority = self._context.authority
        signature = await self._context.tokens.sign(
            authority.key,
            authority.algorithm,
            message_to_sign(tbs, authority.algorithm),
            deadline=deadline,
        )
        reach(FaultPoint.ISSUE_SIGNED)
        der = assemble_certificate(tbs, authority.issuer, signature)
        reach(FaultPoint.ISSUE_VERIFIED)
        return der


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _may_be_making(error: BaseException) -> bool:
    """Whether a host may still make the reserved key, or have made it unknown to others."""
    if not isinstance(error, SignerdError) or isinstance(error, DeadlineExceeded):
        return True
    return error.reason == HOST_LOST
