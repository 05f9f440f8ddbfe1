"""Signatures that are asked for at the same time are asked of the daemon together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from signerd.v1 import signing_pb2 as wire
from signerd_client.batch_call import SignResult, batch_of
from signerd_client.call import Call, new_request_id
from signerd_client.error import DeadlineExceeded, ErrorDetail, SignerdError
from signerd_client.signature import Signature

# The most for which the daemon has somebody wait at the front of its queue.
_TOGETHER_MOST: Final = 64
# A longer request gains nothing in company.
_SHORT: Final = 4096
# The most that a call waits for others.
_DELAY_S: Final = 0.002

SendAlone: TypeAlias = Callable[[Call[Signature], float], Awaitable[Signature]]
SendTogether: TypeAlias = Callable[
    [Call[tuple[SignResult, ...]], float], Awaitable[tuple[SignResult, ...]]
]


@dataclass(frozen=True, slots=True)
class _Waiting:
    call: Call[Signature]
    request: wire.SignRequest
    until: float
    result: asyncio.Future[Signature]


class Coalescer:
    """A call is sent at once when no other is under way. Those that come meanwhile wait for one to
    be answered, for a moment at most, and go together in the order in which they came."""

    def __init__(self, alone: SendAlone, together: SendTogether) -> None:
        """How to make one attempt, with its time limit in seconds."""
        self._alone = alone
        self._together = together
        self._under_way = 0
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def sign(self, call: Call[Signature], timeout_s: float) -> Signature:
        """One attempt. Raises SignerdError."""
        if not self._under_way or len(call.payload) > _SHORT:
            return await self._send_alone(call, timeout_s)
        request = wire.SignRequest.FromString(call.payload)
        # An agreement is used once for all attempts, which its own request id tells.
        if request.authorisation:
            return await self._send_alone(call, timeout_s)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, request, loop.time() + timeout_s, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) >= _TOGETHER_MOST:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(_DELAY_S, self._send)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiting.result
        except TimeoutError:
            raise _late(call) from None

    async def _send_alone(self, call: Call[Signature], timeout_s: float) -> Signature:
        self._under_way += 1
        try:
            return await self._alone(call, timeout_s)
        finally:
            self._answered()

    def _answered(self) -> None:
        self._under_way -= 1
        self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = [one for one in self._waiting if not one.result.done()]
        self._waiting.clear()
        if waiting:
            self._under_way += 1
            task = asyncio.create_task(self._run(waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, waiting: list[_Waiting]) -> None:
        until = max(one.until for one in waiting) - asyncio.get_running_loop().time()
        request = wire.BatchSignRequest(
            requests=[one.request for one in waiting],
            lane=wire.LANE_INTERACTIVE,
        )
        results: tuple[SignResult, ...]
        try:
            call = batch_of(request, None, new_request_id())
            results = await self._together(call, max(0.0, until))
        except SignerdError as error:
            results = (error,) * len(waiting)
        except asyncio.CancelledError:
            for one in waiting:
                one.result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - raised to everyone who waits for it
            for one in waiting:
                if not one.result.done():
                    one.result.set_exception(error)
            return
        finally:
            self._answered()
        for one, result in zip(waiting, results, strict=True):
            if one.result.done():
                continue
            if isinstance(result, SignerdError):
                one.result.set_exception(type(result)(result.info))
            else:
                one.result.set_result(result)


def _late(call: Call[Signature]) -> DeadlineExceeded:
    return DeadlineExceeded(
        ErrorDetail(
            message="no answer before the deadline",
            reason="DEADLINE_EXCEEDED",
            advice=DeadlineExceeded.advice_of_family,
            request_id=call.request_id,
        )
    )
