"""Time stamps over checkpoints, by the daemon's own authority."""

import time
from collections.abc import Awaitable, Sequence
from typing import Final

import structlog

from signerd.app.timestamp import Stamping
from signerd.app.wiring import Base
from signerd.audit.event import AuditEvent
from signerd.ca.housekeeping import KEEPER
from signerd.core.algorithm import Hash
from signerd.core.error import SignerdError
from signerd.observability.event import LogEvent
from signerd.pki.signature import digest
from signerd.pki.timestamp import TimeStampQuery

_CALL_S: Final = 10.0


class CheckpointStamper:
    """`signerd.proof.ports.TimeStamper` of the keeper. A checkpoint goes without where none can be
    had; that is logged when it begins, and not each time."""

    def __init__(self, stamping: Stamping) -> None:
        self._stamping = stamping
        self._problem = ""
        self._log = structlog.get_logger()

    @classmethod
    def of(cls, base: Base) -> "CheckpointStamper | None":
        """None where the configuration has no time stamps."""
        stamping = Stamping.of(base, _KeptWithCheckpoints())
        return None if stamping is None else cls(stamping)

    async def stamp(self, data: bytes) -> bytes:
        """See the port."""
        try:
            made = await self._stamping.create.create(
                TimeStampQuery(Hash.SHA256, digest(Hash.SHA256, data)),
                principal=KEEPER,
                request_id="",
                deadline=time.monotonic() + _CALL_S,
            )
        except SignerdError as error:
            if error.reason != self._problem:
                self._problem = error.reason
                self._log.warning(
                    LogEvent.CHECKPOINT_UNSTAMPED, reason=error.reason, explanation=error.message
                )
            return b""
        self._problem = ""
        return made.token

    def watch_clock(self) -> Awaitable[None]:
        """Look for jumps of the clock, for ever."""
        return self._stamping.watch_clock()


class _KeptWithCheckpoints:
    """These time stamps have no records of their own: the checkpoint is one, and its record would
    call for the next checkpoint, and so on for ever."""

    async def append(self, events: Sequence[AuditEvent]) -> None:
        """Nothing."""
