"""Challenges that customers log in with, as they are stored."""

from dataclasses import dataclass
from datetime import datetime

from signerd.core.value import CertificateId, SubscriberId


@dataclass(frozen=True, slots=True)
class ChallengeUse:
    """By which call a challenge was used up. content_sha256: of that call, which tells a retry
    from another call with its id."""

    request_id: str
    content_sha256: bytes
    time_utc: datetime


@dataclass(frozen=True, slots=True)
class ChallengeRecord:
    """A challenge, without what was sent: only its hash.

    statement_sha256: of the statement to be signed. principal: the relying party it was made for.
    subscriber, certificate: None where anybody may answer. failures: responses that did not count.
    """

    statement_sha256: bytes
    principal: str
    expires_utc: datetime
    subscriber: SubscriberId | None = None
    certificate: CertificateId | None = None
    failures: int = 0
    use: ChallengeUse | None = None
