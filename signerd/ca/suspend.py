"""Put a certificate on hold."""

import calendar
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from signerd.audit.event import EventKind
from signerd.ca.change import CertificateChanger, ChangeRequest, change_event
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateChange, CertificateRecord

_LIMIT_MONTHS: Final = 6
_KOREA: Final = ZoneInfo("Asia/Seoul")


class SuspendCertificate:
    """The use case behind CertificateAuthority.SuspendCertificate."""

    def __init__(self, changer: CertificateChanger) -> None:
        self._changer = changer

    async def validate(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate, if it can be suspended. Raises NotFound, PermissionDenied,
        WrongState."""
        return await self._changer.validate(call, CertificateAct.SUSPEND)

    async def suspend(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate, suspended. From the return on no process signs with its key, which
        stays on the token.

        Raises as validate, Conflict, StoreUnavailable.
        """
        found = await self._changer.find(call)
        now = self._changer.clock.now()
        # The validity does not stretch: at its end there is nothing left to resume.
        limit = min(suspension_limit(now), found.not_after_utc)
        change = CertificateChange(CertificateAct.SUSPEND, now, limit_utc=limit)
        event = change_event(
            EventKind.CERTIFICATE_SUSPENDED, call, change, limit=f"{limit:%Y-%m-%dT%H:%M:%SZ}"
        )
        return await self._changer.change(call, change, event)


def suspension_limit(since_utc: datetime) -> datetime:
    """The last second (UTC) of the Korean day six calendar months later; where that month is too
    short for the day, of the month."""
    day = since_utc.astimezone(_KOREA).date()
    months = day.year * 12 + day.month - 1 + _LIMIT_MONTHS
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    limit = day.replace(year=year, month=month + 1, day=min(day.day, last))
    return datetime.combine(limit, time(23, 59, 59), _KOREA).astimezone(UTC)
