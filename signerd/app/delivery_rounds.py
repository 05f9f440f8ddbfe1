"""The keeper's rounds with messages to subscribers."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from signerd.app.carrier import bank_of, build_carriers, read_templates
from signerd.app.registry import registered_contacts
from signerd.app.wiring import Base
from signerd.observability.event import LogEvent
from signerd.outbox.deliver import Courier
from signerd.outbox.remind import Reminder
from signerd.outbox.write import LetterWriter
from signerd.store.outbox import SqlOutbox

DELIVERY_ROUND_S: Final = 0.5
REMINDER_ROUND_S: Final = 1.0
_REMINDERS_S: Final = 60.0


class DeliveryRounds:
    """Sends messages and reminds of expiry, only while the lease is held."""

    def __init__(self, base: Base, is_leader: Callable[[], bool]) -> None:
        """Raises BootError (CONFIG_INVALID) for what [outbox] says wrongly."""
        outbox = base.settings.outbox
        self._store = SqlOutbox(base.database)
        self._clock = base.clock
        self._is_leader = is_leader
        self._retention = timedelta(days=outbox.retention_days)
        self._next_reminders = 0.0
        self._reminder = Reminder(self._store, base.clock)
        writer = LetterWriter(
            templates=read_templates(base.settings),
            certificates=base.certificates,
            contacts=registered_contacts(base),
            unsealer=base.sealer,
            bank=bank_of(base.settings),
            language=outbox.language,
            monotonic=time.monotonic,
        )
        carriers = build_carriers(base.settings)
        self._couriers = [
            Courier(
                self._store,
                writer,
                carriers,
                base.clock,
                urgent=urgent,
                give_up=timedelta(hours=outbox.give_up_hours),
            )
            for urgent in (True, False)
        ]
        self._log = structlog.get_logger()

    async def deliver_codes(self) -> None:
        """Deliver the one-time codes that are due."""
        await self._deliver(self._couriers[0])

    async def deliver_notices(self) -> None:
        """Deliver all other messages that are due."""
        await self._deliver(self._couriers[1])

    async def remind(self) -> None:
        """Put reminders in, and forget messages that are old."""
        if not self._is_leader() or time.monotonic() < self._next_reminders:
            return
        if count := await self._reminder.run_once():
            self._log.info(LogEvent.REMINDERS_MADE, count=count)
        await self._store.forget_messages(self._clock.now() - self._retention)
        self._next_reminders = time.monotonic() + _REMINDERS_S

    async def drain(self, limit_s: float) -> None:
        """End what is being sent; limit_s seconds at most."""
        for courier in self._couriers:
            await courier.drain(limit_s)

    async def _deliver(self, courier: Courier) -> None:
        while self._is_leader():
            tally = await courier.run_once()
            for problem in tally.problems:
                self._log.warning(LogEvent.MESSAGE_NOT_SENT, explanation=problem)
            if tally.taken == 0:
                return
