"""A front's link to one token host: connection, what is in flight, what waits."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import structlog

from signerd.core.signing import Lane
from signerd.observability.event import LogEvent
from signerd.tokens.frame import MalformedFrame, append_frame, take_answers
from signerd.tokens.work import Work, WorkQueue

_FIRST_BACKOFF_S: Final = 0.02
_MOST_BACKOFF_S: Final = 0.5
_LOG: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()
# While answers are due a request may wait so long for others to be sent with: a write wakes the
# host, which costs both sides more than the request does.
_GATHER_S: Final = 0.0005
# Enough that a host has always something to do while answers travel; it puts what is interactive
# first by itself.
_BATCH_WINDOW: Final = 4
_UCRED: Final = struct.Struct("3i")


class HostLink(asyncio.Protocol):
    """Reconnects by itself when the host is replaced.

    on_room: called when the host can take more. on_drop: called when the connection ended, with
    the work that was in flight and the work that waited.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        window: int,
        on_room: Callable[["HostLink"], None],
        on_drop: Callable[[list[Work], list[Work]], None],
    ) -> None:
        self.name = name
        self.waiting = WorkQueue()
        self.process_id = 0
        self._path = path
        self._window = window
        self._on_room = on_room
        self._on_drop = on_drop
        self._in_flight: dict[int, Work] = {}
        self._in_flight_weight = 0
        self._in_flight_batches = 0
        self._number = 0
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._unsent = bytearray()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def is_connected(self) -> bool:
        """True when requests can be sent."""
        return self._transport is not None

    def has_room(self, lane: Lane) -> bool:
        """True when a request of this lane may be sent now: the other lane does not use it up."""
        if self._transport is None:
            return False
        batches = self._in_flight_batches
        if lane is Lane.BATCH:
            return batches < _BATCH_WINDOW
        return len(self._in_flight) - batches < self._window

    @property
    def outstanding(self) -> int:
        """Requests in flight and waiting."""
        return len(self._in_flight) + len(self.waiting)

    @property
    def load(self) -> int:
        """Their weight."""
        return self._in_flight_weight + self.waiting.weight

    def rank(self, affinity: bytes) -> bytes:
        """Rendezvous hash: every front ranks the hosts alike for the same key."""
        return blake2b(affinity, key=self.name.encode()[:64], digest_size=8).digest()

    def start(self) -> None:
        """Connect, and again whenever the connection ends."""
        self._keeper = asyncio.create_task(self._stay_connected(), name=f"link-{self.name}")

    async def close(self) -> None:
        """Disconnect for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._transport is not None:
            self._transport.abort()
            await self._lost.wait()

    def send(self, work: Work) -> None:
        """Send a request: at once when the host has nothing to do, otherwise together with what
        comes until its next answer or for a moment."""
        if not self._unsent:
            if self._in_flight:
                self._loop.call_later(_GATHER_S, self._flush)
            else:
                self._loop.call_soon(self._flush)
        self._number += 1
        self._in_flight[self._number] = work
        self._in_flight_weight += work.weight
        self._in_flight_batches += work.lane
        work.was_sent = True
        work.host = self.name
        append_frame(self._unsent, work.build(self._number))

    def _flush(self) -> None:
        if self._transport is not None and self._unsent:
            self._transport.write(bytes(self._unsent))
        self._unsent.clear()

    async def _stay_connected(self) -> None:
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                self._lost.clear()
                await self._loop.create_unix_connection(lambda: self, str(self._path))
                backoff = _FIRST_BACKOFF_S
                await self._lost.wait()
            except OSError:
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, _MOST_BACKOFF_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self.process_id = _peer_process(transport)
            _LOG.info(LogEvent.HOST_CONNECTED, host=self.name, process_id=self.process_id)
            self._on_room(self)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        self._received += data
        try:
            answers = take_answers(self._received)
        except MalformedFrame:
            if self._transport is not None:
                self._transport.abort()
            return
        for answer in answers:
            work = self._in_flight.pop(answer.number, None)
            if work is None:
                continue
            self._in_flight_weight -= work.weight
            self._in_flight_batches -= work.lane
            if not work.answer.done():
                work.answer.set_result(answer)
        self._on_room(self)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        del exc
        self._transport = None
        if self._keeper is not None and not self._keeper.cancelled():
            _LOG.warning(
                LogEvent.HOST_LOST,
                host=self.name,
                process_id=self.process_id,
                in_flight=len(self._in_flight),
                waiting=len(self.waiting),
            )
        self.process_id = 0
        self._received.clear()
        self._unsent.clear()
        dropped = list(self._in_flight.values())
        self._in_flight.clear()
        self._in_flight_weight = 0
        self._in_flight_batches = 0
        for work in dropped:
            work.drops += 1
        waited = self.waiting.take_all()
        self._lost.set()
        self._on_drop(dropped, waited)


def _peer_process(transport: asyncio.Transport) -> int:
    """Process id of the listener (SO_PEERCRED, unix(7))."""
    sock: socket.socket = transport.get_extra_info("socket")
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    process_id, _, _ = _UCRED.unpack(credentials)
    return int(process_id)
