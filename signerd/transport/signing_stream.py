"""Signatures for as long as a stream is open."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from signerd.core.error import InvalidRequest, LimitExceeded, StoreUnavailable
from signerd.core.signing import Lane
from signerd.signing.batch_sign import BatchSign, SignOutcome
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.transport.signing_batch import SignBatch, check_count, check_lane
from signerd.v1 import signing_pb2 as pb

# Requests of one stream that are under way, beside those of one more message.
_UNDER_WAY_MOST: Final = 512
# Bytes of them, likewise: a group has to fit into what a token host reads at once.
_BYTES_MOST: Final = 16 << 20
# Groups of requests that are under way: one is recorded while the other is signed. What comes
# meanwhile becomes the next group.
_GROUPS_MOST: Final = 2
# So long a request may take, however long the stream is open.
_ALLOWED_S: Final = 30.0


async def sign_stream(
    use_case: BatchSign, messages: AsyncIterator[pb.SignStreamRequest]
) -> AsyncIterator[pb.SignStreamResponse]:
    """Signing.SignStream: whatever has come by now is signed together, and answered in order.

    While requests are read others are signed and others answered. Reading stops while too many
    are under way, answering while the caller does not take answers.
    """
    stream = _Stream(use_case)
    reading = asyncio.create_task(stream.read(messages))
    try:
        while (response := await stream.next_response()) is not None:
            yield response
        await reading
    finally:
        reading.cancel()
        await stream.close()


class _Stream:
    def __init__(self, use_case: BatchSign) -> None:
        self._use_case = use_case
        self._caller = current_caller.get()
        self._lane: Lane | None = None
        self._next = 0
        self._waiting: list[pb.SignRequest] = []
        self._first = 0
        self._under_way = 0
        self._bytes = 0
        self._waiting_bytes = 0
        # Messages in the order of their requests, with the bytes of these; None once everything
        # has been asked.
        self._answers: asyncio.Queue[tuple[asyncio.Task[pb.SignStreamResponse], int] | None] = (
            asyncio.Queue()
        )
        self._tasks: set[asyncio.Task[pb.SignStreamResponse]] = set()
        self._room = asyncio.Event()
        self._room.set()

    async def read(self, messages: AsyncIterator[pb.SignStreamRequest]) -> None:
        """Until the caller has sent everything. Raises InvalidRequest."""
        try:
            async for message in messages:
                self._take(message)
                await self._room.wait()
        finally:
            self._start()
            self._answers.put_nowait(None)

    async def next_response(self) -> pb.SignStreamResponse | None:
        """The next answer; None after the last."""
        asked = await self._answers.get()
        if asked is None:
            return None
        task, size = asked
        response = await task
        self._under_way -= len(response.results)
        self._bytes -= size
        if self._has_room():
            self._room.set()
        return response

    async def close(self) -> None:
        """Nobody waits for answers any more."""
        self._waiting.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, message: pb.SignStreamRequest) -> None:
        count = len(message.requests)
        if not count:
            raise InvalidRequest("send what to sign", reason="INPUT_MISSING", field="requests")
        check_count(count)
        if self._lane is None:
            self._lane = convert.lane_from(message.lane, Lane.BATCH)
            self._next = message.sequence
        check_lane(self._lane, count)
        if message.sequence != self._next:
            raise InvalidRequest(
                f"the message begins with request {message.sequence}, {self._next} would be next; "
                "number the requests of a stream without gaps",
                reason="SEQUENCE_BROKEN",
                field="sequence",
            )
        if not self._waiting:
            self._first = self._next
        self._next += count
        self._waiting += message.requests
        self._under_way += count
        size = message.ByteSize()
        self._bytes += size
        self._waiting_bytes += size
        if len(self._tasks) < _GROUPS_MOST:
            self._start()
        if not self._has_room():
            self._room.clear()

    def _has_room(self) -> bool:
        return self._under_way < _UNDER_WAY_MOST and self._bytes < _BYTES_MOST

    def _start(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        size, self._waiting_bytes = self._waiting_bytes, 0
        task = asyncio.create_task(self._sign(self._first, waiting))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        self._answers.put_nowait((task, size))

    def _done(self, task: asyncio.Task[pb.SignStreamResponse]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _sign(self, first: int, requests: list[pb.SignRequest]) -> pb.SignStreamResponse:
        lane = Lane.BATCH if self._lane is None else self._lane
        # By the policy as it is by now.
        # Not by the deadline of the stream, which gRPC ends by itself: one that was opened without
        # would have that of a single call.
        deadline = time.monotonic() + _ALLOWED_S
        batch = SignBatch(self._caller, self._caller.scope_now(), deadline)
        batch.read(requests, "", "")
        outcomes: list[SignOutcome]
        try:
            outcomes = await self._use_case.sign(batch.requests, lane)
        except (LimitExceeded, StoreUnavailable) as error:
            # Not the end of the stream: the next ones may fare better.
            outcomes = [error] * len(requests)
        response = pb.SignStreamResponse(sequence=first)
        batch.write(outcomes, response.results.add)
        return response
