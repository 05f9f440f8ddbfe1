"""The time-stamping authority as one process has it: the keeper renews its certificate while others
use it."""

import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from signerd.app.kernel_clock import read_kernel_clock
from signerd.app.lifeline import every
from signerd.app.wiring import Base
from signerd.config.timestamping_settings import TimestampingSettings
from signerd.core.error import Internal
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.pki.cms import CmsSigner
from signerd.pki.timestamp import TimeStampPlan
from signerd.signing.answer_timestamp import AnswerTimestamp
from signerd.signing.clock_gate import MachineClockGate
from signerd.signing.document_ports import EventTrail
from signerd.signing.timestamp import CreateTimestamp, TimeStampSigner
from signerd.store.system_key import SqlSystemKeyStore

_LOOK_S: Final = 10.0
_WATCH_S: Final = 1.0


class CurrentTimeStamper:
    """Looks for a renewed certificate every few seconds."""

    def __init__(self, base: Base) -> None:
        self._keys = SqlSystemKeyStore(base.database)
        self._chain = (base.authority.certificate,)
        self._signer: TimeStampSigner | None = None
        self._look_at = 0.0

    async def __call__(self) -> TimeStampSigner:
        """The authority. Raises Internal (TIME_STAMPER_MISSING), StoreUnavailable."""
        if self._signer is None or self._look_at <= time.monotonic():
            found = (await self._keys.get_system_keys()).get(SystemKeyRole.TIMESTAMP)
            self._signer = self._read(found)
            self._look_at = time.monotonic() + _LOOK_S
        return self._signer

    def _read(self, found: SystemKey | None) -> TimeStampSigner:
        if found is None or not found.certificate:
            raise Internal(
                "the store has no key for time stamps; run `signerd init`",
                reason="TIME_STAMPER_MISSING",
            )
        signer = CmsSigner(found.certificate, found.algorithm, found.spki, self._chain)
        return TimeStampSigner.of(found.key, signer)


def clock_gate(settings: TimestampingSettings) -> MachineClockGate:
    """Judges this machine's clock."""
    return MachineClockGate(
        read_kernel_clock,
        most_error_us=settings.accuracy_ms * 1000,
        is_unsynchronised_allowed=settings.allow_unsynchronised_clock,
    )


@dataclass(frozen=True, slots=True)
class Stamping:
    """What makes time stamps in this process, and what watches its clock."""

    base: Base
    gate: MachineClockGate
    create: CreateTimestamp

    @classmethod
    def of(cls, base: Base, trail: EventTrail | None = None) -> "Stamping | None":
        """None where the configuration has no time stamps. trail: where they go on record, instead
        of the audit trail."""
        settings = base.settings.timestamping
        if not settings.enabled:
            return None
        gate = clock_gate(settings)
        create = CreateTimestamp(
            TimeStampPlan(settings.policy, settings.accuracy_ms * 1000),
            tokens=base.tokens,
            trail=trail or base.trail,
            current=CurrentTimeStamper(base),
            gate=gate,
            clock=base.clock,
            random=secrets.token_bytes,
            process=base.name,
        )
        return cls(base, gate, create)

    def watch_clock(self) -> Awaitable[None]:
        """Look for jumps of the clock, for ever."""

        async def look() -> None:
            self.gate.observe()

        return every(_WATCH_S, look)

    def answer(self) -> AnswerTimestamp:
        """For requests over HTTP."""
        publisher = self.base.settings.publisher
        return AnswerTimestamp(
            self.create,
            per_second=self.base.settings.timestamping.http_per_second,
            most_waiting=publisher.max_waiting,
            limit_s=publisher.exchange_s / 2,
            monotonic=time.monotonic,
        )
