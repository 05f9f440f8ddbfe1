"""Evidence of who a subscriber is, as it is asked for and stored."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Factor(StrEnum):
    """Kinds of proof. Names are those of the API without their prefix."""

    DOCUMENT = "DOCUMENT"
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a factor
    BIOMETRIC = "BIOMETRIC"
    PHONE_CODE = "PHONE_CODE"
    EMAIL_CODE = "EMAIL_CODE"


class EnrolmentPurpose(StrEnum):
    """What an enrolment is for. Names are those of the API without their prefix."""

    ISSUE = "ISSUE"
    REISSUE = "REISSUE"
    LOSS_REPORT = "LOSS_REPORT"


class DocumentKind(StrEnum):
    """Names are those of the API without their prefix."""

    RESIDENT_CARD = "RESIDENT_CARD"
    DRIVERS_LICENCE = "DRIVERS_LICENCE"
    ALIEN_CARD = "ALIEN_CARD"
    PASSPORT = "PASSPORT"


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed tries in a row. release_utc: no try is judged before; None when not locked."""

    count: int = 0
    release_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """One-time codes of one enrolment and factor.

    mac: of the code that is waited for; None when none is. expires_utc: of that code. sent_utc:
    when codes of the last hour were sent, oldest first.
    """

    mac: bytes | None = field(default=None, repr=False)
    expires_utc: datetime | None = None
    sent_utc: tuple[datetime, ...] = ()
    failures: Failures = Failures()


@dataclass(frozen=True, slots=True)
class PasswordRecord:
    """A subscriber's password. hash: in PHC string form (argon2id). history: those before it,
    newest first."""

    hash: str = field(repr=False)
    set_utc: datetime
    history: tuple[str, ...] = field(default=(), repr=False)
    failures: Failures = Failures()


@dataclass(frozen=True, slots=True)
class AuthorisationRecord:
    """A reference number with its authorisation code. reference_mac: by which it is found."""

    reference_mac: bytes = field(repr=False)
    code_mac: bytes = field(repr=False)
    expires_utc: datetime
    used_utc: datetime | None = None
    failures: Failures = Failures()
