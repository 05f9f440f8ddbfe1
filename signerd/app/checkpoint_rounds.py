"""The keeper's work for auditors: checkpoints of the audit chains."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from cryptography import x509

from signerd.app.wiring import Base
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import ServiceUnavailable, SignerdError, WrongState
from signerd.core.lifecycle import SystemKeyRole
from signerd.observability.event import LogEvent
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.file_checkpoint import FileCheckpoints
from signerd.proof.make_checkpoint import AuditKey, CheckpointPlan, MakeCheckpoint
from signerd.proof.ports import TimeStamper
from signerd.store.audit_checkpoint import SqlCheckpointStore

CHECKPOINT_ROUND_S: Final = 0.5
# After what only an operator can mend, or a token that is away.
_PAUSE_S: Final = 15.0
_FINISH_S: Final = 3.0


class CheckpointRounds:
    """Only while the lease is held. Whatever fails is logged and tried again: signing goes on, and
    what was recorded meanwhile is covered later."""

    def __init__(
        self, base: Base, is_leader: Callable[[], bool], stamper: TimeStamper | None
    ) -> None:
        """Raises BootError."""
        settings = base.settings.audit
        store = SqlCheckpointStore(base.database)
        self._is_leader = is_leader
        self._was_leader = False
        self._files = FileCheckpoints(CheckpointFile(settings.checkpoint_file), store)
        self._maker = MakeCheckpoint(
            _audit_key(base),
            CheckpointPlan(
                timedelta(seconds=settings.checkpoint_interval_s), settings.checkpoint_records
            ),
            store=store,
            tokens=base.tokens,
            stamper=stamper,
            clock=base.clock,
            monotonic=time.monotonic,
        )
        self._paused_until = 0.0
        self._log = structlog.get_logger()

    async def work(self) -> None:
        """Make the checkpoints that are due."""
        if not self._is_leader():
            self._was_leader = False
            return
        if time.monotonic() < self._paused_until:
            return
        if not self._was_leader:
            self._files.forget()
            self._was_leader = True
        try:
            await self._file()
            while await self._maker.run_once() is not None:
                await self._file()
        except SignerdError as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            is_alarm = isinstance(error, WrongState)
            event = LogEvent.AUDIT_BROKEN if is_alarm else LogEvent.CHECKPOINT_FAILED
            self._log.error(event, reason=error.reason, explanation=error.message)

    async def finish(self) -> None:
        """Cover what is there by now, if that can be done at once: while the daemon stands still,
        the end of its chains would otherwise be under no checkpoint."""
        if not self._is_leader() or time.monotonic() < self._paused_until:
            return
        try:
            async with asyncio.timeout(_FINISH_S):
                if not self._was_leader:
                    self._files.forget()
                await self._file()
                if await self._maker.run_once(is_urgent=True) is not None:
                    await self._file()
        except (SignerdError, TimeoutError) as error:
            self._log.warning(LogEvent.CHECKPOINT_FAILED, reason="STOPPING", explanation=str(error))

    async def _file(self) -> None:
        """A file that cannot be written keeps no checkpoint from being made."""
        try:
            await self._files.run_once()
        except ServiceUnavailable as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            self._log.error(
                LogEvent.CHECKPOINT_FAILED, reason=error.reason, explanation=error.message
            )


def _audit_key(base: Base) -> AuditKey:
    key = base.system_keys.get(SystemKeyRole.AUDIT)
    if key is None:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            "the store knows no AUDIT key: make a new state directory with `signerd init`",
        )
    certificate = key.certificate
    if certificate is None:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            "the AUDIT key has no certificate: make a new state directory with `signerd init`",
        )
    above = (certificate, base.authority.certificate, base.authority.root_certificate)
    path = [x509.load_der_x509_certificate(it) for it in above]
    return AuditKey(
        key.key,
        key.algorithm,
        key.spki,
        max(it.not_valid_before_utc for it in path),
        min(it.not_valid_after_utc for it in path),
    )
