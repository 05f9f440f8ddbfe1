"""What every call passes, in this order:

1. a request id (the caller's own, or a new one);
2. the principal behind the connection;
3. the policy: may this principal call this RPC;
4. the limits: size, rate, concurrency, deadline;
5. the message is parsed, which is done for nobody who may not call;
6. the servicer;
7. one translation of whatever went wrong.

An RPC without a row in the tables of `policy` is denied, whichever servicer offers it.
"""

import asyncio
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from signerd.core.error import (
    InvalidRequest,
    LimitExceeded,
    PermissionDenied,
    SignerdError,
    StoreUnavailable,
    TokenUnavailable,
    Unauthenticated,
)
from signerd.observability.context import request_id_var
from signerd.observability.event import LogEvent
from signerd.policy.decide import Decision, decide
from signerd.policy.grant import Policy
from signerd.policy.limit import RPC_LIMITS, Limiter
from signerd.transport.caller import Caller, current_caller
from signerd.transport.error_map import (
    DETAILS_KEY,
    REQUEST_ID_KEY,
    WireError,
    internal_error,
    stopping_error,
    unknown_method_error,
    wire_error,
)
from signerd.transport.principal import principal_of

_MAX_REQUEST_ID = 64

# Generic in the stubs only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
if TYPE_CHECKING:
    _Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.aio.ServerInterceptor

Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncIterator[Any]]
Parse = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class CallGuard:
    """Admits calls: steps 1 to 4."""

    policy: Callable[[], Policy]
    limiter: Callable[[], Limiter]
    default_deadline_s: float

    def admit(self, rpc: str, size: int, context: Context, request_id: str) -> Caller:
        """size: bytes of the request; of a stream, which is not there yet, 0.

        Raises Unauthenticated, PermissionDenied, LimitExceeded, InvalidRequest.
        """
        principal = principal_of(context.peer(), context.auth_context())
        decision = self._decide(principal, rpc)
        limit = RPC_LIMITS[rpc]
        _check_size(size, limit.max_request_bytes)
        self.limiter().admit(principal, rpc)
        # None without a deadline, which the stubs do not say.
        remaining = cast("float | None", context.time_remaining())
        wanted = self.default_deadline_s if remaining is None else remaining
        deadline = time.monotonic() + min(wanted, limit.max_deadline_s)
        return Caller(
            principal,
            decision.roles,
            decision.scope,
            deadline,
            request_id,
            scope_now=lambda: self._decide(principal, rpc).scope,
        )

    def check_still_allowed(self, rpc: str) -> None:
        """Raises PermissionDenied when the policy no longer grants the call under way."""
        self._decide(current_caller.get().principal, rpc)

    def _decide(self, principal: str, rpc: str) -> Decision:
        decision = decide(self.policy(), principal, rpc)
        if not decision.allowed:
            raise PermissionDenied(decision.reason)
        return decision


class GuardInterceptor(_Interceptor):
    """Wraps each method once and keeps the wrapped form."""

    def __init__(self, guard: CallGuard, *, max_concurrent_calls: int) -> None:
        self._guard = guard
        self._max_concurrent = max_concurrent_calls
        self._running = 0
        self._handlers: dict[str, Handler] = {}
        self._streams: set[asyncio.Task[Any]] = set()
        self._is_leaving = False
        self._log = structlog.get_logger()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        rpc = handler_call_details.method
        wrapped = self._handlers.get(rpc)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return _unknown_method(rpc)
            wrapped = self._handlers[rpc] = self._wrap(rpc, handler)
        return wrapped

    def leave(self) -> None:
        """End the streams, which would otherwise go on for as long as a stop may take."""
        self._is_leaving = True
        for task in self._streams:
            task.cancel()

    def _wrap(self, rpc: str, handler: Handler) -> Handler:
        # gRPC hands on raw bytes: what it cannot parse itself it refuses with the exception's text.
        coders: tuple[Any, Any] = (None, handler.response_serializer)
        # The stubs know the handlers of the blocking server only.
        unary: Any = handler.unary_unary
        stream: Any = handler.unary_stream or handler.stream_stream
        parse = _parser(handler.request_deserializer)
        if unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._unary(rpc, unary, parse), *coders)
        if inspect.iscoroutinefunction(handler.unary_stream):
            writing = self._writing_stream(rpc, stream, parse)
            return grpc.unary_stream_rpc_method_handler(writing, *coders)
        if handler.unary_stream is not None:
            guarded = self._stream(rpc, stream, parse)
            return grpc.unary_stream_rpc_method_handler(guarded, *coders)
        most = RPC_LIMITS[rpc].max_request_bytes if rpc in RPC_LIMITS else 0

        def parse_all(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
            return _parsed(requests, parse, most)

        if handler.stream_stream is not None:
            guarded = self._stream(rpc, stream, parse_all)
            return grpc.stream_stream_rpc_method_handler(guarded, *coders)
        upload: Any = handler.stream_unary
        taking = self._taking_stream(rpc, upload, parse_all)
        return grpc.stream_unary_rpc_method_handler(taking, *coders)

    def _unary(self, rpc: str, behaviour: Unary, parse: Parse) -> Unary:
        async def guarded(request: bytes, context: Context) -> Any:
            request_id = self._enter(context)
            try:
                with self._begin(rpc, len(request), context, request_id):
                    return await behaviour(parse(request), context)
            except Exception as error:  # noqa: BLE001 - translated, never swallowed
                await self._refuse(rpc, error, context, request_id)
            finally:
                self._running -= 1

        return guarded

    def _stream(self, rpc: str, behaviour: Stream, parse: Callable[[Any], Any]) -> Stream:
        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            request_id = self._enter_stream(context)
            size = len(request) if isinstance(request, bytes) else 0
            try:
                with self._begin(rpc, size, context, request_id):
                    async for response in behaviour(parse(request), context):
                        self._guard.check_still_allowed(rpc)
                        yield response
            except asyncio.CancelledError:
                await self._stop_stream(context, request_id)
            except Exception as error:  # noqa: BLE001 - translated, never swallowed
                await self._refuse(rpc, error, context, request_id)
            finally:
                self._running -= 1

        return guarded

    def _writing_stream(self, rpc: str, behaviour: Unary, parse: Parse) -> Unary:
        """For a servicer that writes its answers itself, as that of Health.Watch does."""

        async def guarded(request: bytes, context: Context) -> None:
            request_id = self._enter_stream(context)
            try:
                with self._begin(rpc, len(request), context, request_id):
                    await behaviour(parse(request), context)
            except asyncio.CancelledError:
                await self._stop_stream(context, request_id)
            except Exception as error:  # noqa: BLE001 - translated, never swallowed
                await self._refuse(rpc, error, context, request_id)
            finally:
                self._running -= 1

        return guarded

    def _taking_stream(self, rpc: str, behaviour: Unary, parse: Callable[[Any], Any]) -> Unary:
        """For a servicer that answers once, when it has been sent everything."""

        async def guarded(requests: AsyncIterator[bytes], context: Context) -> Any:
            request_id = self._enter_stream(context)
            try:
                with self._begin(rpc, 0, context, request_id):
                    return await behaviour(parse(requests), context)
            except asyncio.CancelledError:
                await self._stop_stream(context, request_id)
            except Exception as error:  # noqa: BLE001 - translated, never swallowed
                await self._refuse(rpc, error, context, request_id)
            finally:
                self._running -= 1

        return guarded

    def _enter_stream(self, context: Context) -> str:
        if task := asyncio.current_task():
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        return self._enter(context)

    async def _stop_stream(self, context: Context, request_id: str) -> None:
        """Cancelled by the caller, who is gone, or by `leave`, of which the caller is told."""
        task = asyncio.current_task()
        if not self._is_leaving or task is None:
            raise asyncio.CancelledError
        task.uncancel()
        await _abort(context, stopping_error(request_id), request_id)

    def _enter(self, context: Context) -> str:
        self._running += 1
        request_id = _request_id(context)
        request_id_var.set(request_id)
        return request_id

    def _begin(
        self, rpc: str, size: int, context: Context, request_id: str
    ) -> AbstractContextManager[None]:
        if self._running > self._max_concurrent:
            raise LimitExceeded(
                "this front serves as many calls as it may; try again in a moment",
                reason="TOO_MANY_CALLS",
                retry_after_s=0.2,
            )
        caller = self._guard.admit(rpc, size, context, request_id)
        current_caller.set(caller)
        return self._guard.limiter().running(caller.principal, rpc)

    async def _refuse(self, rpc: str, error: Exception, context: Context, request_id: str) -> None:
        if isinstance(error, grpc.aio.BaseError):
            raise error  # gRPC's own, such as an abort by the health or reflection servicer
        if not isinstance(error, SignerdError):
            self._log.error(LogEvent.CALL_FAILED, rpc=rpc, exc_info=error)
            await _abort(context, internal_error(request_id), request_id)
        assert isinstance(error, SignerdError)  # noqa: S101 - for mypy: abort never returns
        wire = wire_error(error, request_id)
        if wire.code is grpc.StatusCode.INTERNAL:
            self._log.error(LogEvent.CALL_FAILED, rpc=rpc, exc_info=error)
        elif isinstance(error, PermissionDenied | Unauthenticated):
            self._log.warning(
                LogEvent.CALL_DENIED,
                rpc=rpc,
                principal=_principal(context),
                reason=error.reason,
                explanation=error.message,
            )
        elif isinstance(error, TokenUnavailable | StoreUnavailable):
            self._log.warning(
                LogEvent.CALL_UNAVAILABLE, rpc=rpc, reason=error.reason, explanation=error.message
            )
        await _abort(context, wire, request_id)


def _parser(deserialize: Parse | None) -> Parse:
    def parse(request: bytes) -> Any:
        try:
            return request if deserialize is None else deserialize(request)
        except DecodeError:
            raise InvalidRequest(
                "the request is not a message of this call: its bytes are no valid protobuf, or "
                "a text in it is not UTF-8; send what the .proto files say",
                reason="MESSAGE_MALFORMED",
            ) from None

    return parse


async def _parsed(requests: AsyncIterator[bytes], parse: Parse, most: int) -> AsyncIterator[Any]:
    async for request in requests:
        _check_size(len(request), most)
        yield parse(request)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise InvalidRequest(
            f"a request of this call has at most {most} bytes", reason="REQUEST_TOO_LARGE"
        )


def _unknown_method(rpc: str) -> Handler:
    """Answers at once, whatever kind of call it is."""

    async def refuse(_requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        request_id = _request_id(context)
        await _abort(context, unknown_method_error(rpc, request_id), request_id)
        yield b""  # never reached; makes this a generator

    return grpc.stream_stream_rpc_method_handler(refuse)


def _principal(context: Context) -> str:
    """For the log; "" for a caller without one."""
    with suppress(Unauthenticated):
        return principal_of(context.peer(), context.auth_context())
    return ""


def _request_id(context: Context) -> str:
    """The id of a call: the caller's x-request-id when it is short and printable, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str):
            if 0 < len(value) <= _MAX_REQUEST_ID and value.isprintable() and value.isascii():
                return value
            break
    return str(uuid.uuid4())


async def _abort(context: Context, wire: WireError, request_id: str) -> None:
    await context.abort(
        wire.code,
        wire.message,
        ((DETAILS_KEY, wire.details), (REQUEST_ID_KEY, request_id)),
    )
