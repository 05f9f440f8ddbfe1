"""What fronts have asked of a token host, and in which order it is done."""

import time
from collections import deque
from typing import Final

from signerd.core.signing import Lane
from signerd.tokens.frame import Answer, Request, SignManyRequest
from signerd.tokens.handler import RequestHandler, SignRun
from signerd.tokens.host_connection import HostConnection

# For so long a batch keeps somebody waiting who has come since.
_TURN_S: Final = 0.001
# Of the interactive lane at a stretch: then the batch lane has a turn, so that it never stands
# still.
_STRETCH_S: Final = 0.016


class HostQueue:
    """Requests of all connections: interactive ones in the order of their arrival, then batches,
    those of different connections in turn. A batch is left between two of its signatures."""

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler
        self._interactive: deque[tuple[HostConnection, Request]] = deque()
        self._batches: deque[tuple[HostConnection, SignRun]] = deque()
        self._stretch_began = 0.0

    def __bool__(self) -> bool:
        return bool(self._interactive or self._batches)

    def put(self, connection: HostConnection, request: Request) -> None:
        """At the end of its lane."""
        if isinstance(request, SignManyRequest) and request.lane is Lane.BATCH:
            self._batches.append((connection, SignRun(self._handler, request)))
        else:
            if not self._interactive:
                self._stretch_began = time.monotonic()
            self._interactive.append((connection, request))

    def drop(self, connection: HostConnection) -> None:
        """Nobody waits for these any more."""
        self._interactive = deque(it for it in self._interactive if it[0] is not connection)
        self._batches = deque(it for it in self._batches if it[0] is not connection)

    def take(self) -> tuple[HostConnection, Request] | None:
        """The next to be done as a whole; None when it is a batch's turn."""
        if not self._interactive:
            return None
        if self._batches and time.monotonic() - self._stretch_began > _STRETCH_S:
            self._stretch_began = time.monotonic() + _TURN_S
            return None
        return self._interactive.popleft()

    def handle(self, request: Request) -> Answer:
        """Do what was taken."""
        return self._handler.handle(request)

    def step(self) -> None:
        """Go on with the next batch for a turn; its answer is added to its connection's."""
        if not self._batches:
            return
        connection, run = self._batches.popleft()
        if run.step(time.monotonic() + _TURN_S):
            connection.add(run.answer())
        else:
            self._batches.append((connection, run))
