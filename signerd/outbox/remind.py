"""Remind subscribers of the expiry of their certificates."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from signerd.core.clock import Clock
from signerd.core.message import MessageDraft, MessageKind
from signerd.core.record import CertificateRecord
from signerd.outbox.ports import OutboxStore

NOTICES: Final = (30, 7, 1)
"""Days before expiry at which a reminder is due."""

_KOREA: Final = ZoneInfo("Asia/Seoul")
_BATCH: Final = 200


class Reminder:
    """Puts a reminder into the outbox 30, 7 and 1 Korean days before an active certificate expires.

    Once each, whatever happens to the daemon; one that was down sends only the latest that is due.
    A certificate that was made when a reminder would have been due already goes without it.
    """

    def __init__(self, store: OutboxStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run_once(self) -> int:
        """How many reminders were put in. Raises StoreUnavailable."""
        now = self._clock.now()
        count = 0
        for notice, next_notice in pairwise((*NOTICES, -1)):
            since = now if next_notice < 0 else _end_of_day(now, next_notice)
            count += await self._remind(notice, since, _end_of_day(now, notice), now)
        return count

    async def _remind(
        self, notice: int, since_utc: datetime, until_utc: datetime, now_utc: datetime
    ) -> int:
        count = 0
        while found := await self._store.list_without_reminder(
            notice, since_utc, until_utc, _BATCH
        ):
            drafts = [_draft_of(certificate, notice, now_utc) for certificate in found]
            count += await self._store.put_messages(drafts)
        return count


def _end_of_day(now_utc: datetime, days: int) -> datetime:
    """The last moment of the Korean day so many days from today."""
    day = now_utc.astimezone(_KOREA).date() + timedelta(days=days)
    return datetime.combine(day, time.max, _KOREA)


def _draft_of(certificate: CertificateRecord, notice: int, now_utc: datetime) -> MessageDraft:
    kind = MessageKind.CERTIFICATE_EXPIRING
    return MessageDraft(
        occasion=f"{kind.value}/{certificate.certificate_id}/{notice}",
        kind=kind,
        subscriber=certificate.subscriber,
        certificate=certificate.certificate_id,
        created_utc=now_utc,
        expires_utc=certificate.not_after_utc,
    )
