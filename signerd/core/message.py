"""Messages to subscribers as they wait in the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NewType

from signerd.core.value import CertificateId, SubscriberId

MessageId = NewType("MessageId", str)
"""32 hexadecimal digits."""


class MessageKind(StrEnum):
    """What a message tells. Those about an act on a certificate have the name of the audit event
    they tell of."""

    CODE = "code"
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_REISSUED = "certificate.reissued"
    CERTIFICATE_RENEWED = "certificate.renewed"
    CERTIFICATE_SUSPENDED = "certificate.suspended"
    CERTIFICATE_RESUMED = "certificate.resumed"
    CERTIFICATE_REVOKED = "certificate.revoked"
    CERTIFICATE_EXPIRING = "certificate.expiring"


class Channel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"


class MessageState(StrEnum):
    """PENDING: to be sent, for the first time or again. The others are final. SKIPPED: there is
    nobody to send it to, or it is no longer true. EXPIRED: too late to be of use. FAILED: nobody
    takes it."""

    PENDING = "PENDING"
    SENT = "SENT"
    SKIPPED = "SKIPPED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a subscriber is reached. email, phone: empty where there is none; phone in E.164 form.
    language: of the messages, as ISO 639-1; empty for the configured one."""

    name: str = field(repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message to be put into the outbox.

    occasion: what it tells of, in words that never come again: a second message of the same
    occasion is not put in. channel: None leaves it to the contact that is known when it is sent.
    details: particulars that are not personal. sealed: those that are, encrypted; None where they
    are found through certificate and subscriber. expires_utc: from when on it is not sent.
    """

    occasion: str
    kind: MessageKind
    subscriber: SubscriberId
    created_utc: datetime
    certificate: CertificateId | None = None
    channel: Channel | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    sealed: bytes | None = field(default=None, repr=False)
    expires_utc: datetime | None = None

    @property
    def message_id(self) -> MessageId:
        """The same for the same occasion."""
        return message_id_of(self.occasion)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message in the outbox. next_attempt_utc: while PENDING. problem: why it was not sent
    so far, without personal data; empty when nothing went wrong."""

    message_id: MessageId
    draft: MessageDraft
    state: MessageState
    attempts: int
    next_attempt_utc: datetime
    sent_utc: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages to list; None means any."""

    subscriber: SubscriberId | None = None
    certificate: CertificateId | None = None
    kind: MessageKind | None = None
    state: MessageState | None = None


def message_id_of(occasion: str) -> MessageId:
    """The first 128 bits of the occasion's SHA-256."""
    return MessageId(sha256(occasion.encode()).hexdigest()[:32])
