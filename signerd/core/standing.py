"""What is known of a certificate when its signatures are judged."""

from dataclasses import dataclass
from datetime import datetime

from signerd.core.record import CertificateRecord


@dataclass(frozen=True, slots=True)
class SuspensionSpan:
    """From when to when a certificate was on hold. end_utc: None while it is."""

    begin_utc: datetime
    end_utc: datetime | None

    def covers(self, moment_utc: datetime) -> bool:
        """Whether it was on hold at a moment. At the moment of its end it no longer was."""
        return self.begin_utc <= moment_utc and (self.end_utc is None or moment_utc < self.end_utc)


@dataclass(frozen=True, slots=True)
class CertificateHistory:
    """A certificate as it stands, and every time it was on hold, oldest first."""

    record: CertificateRecord
    suspensions: tuple[SuspensionSpan, ...] = ()
