"""What the outbox needs of store, tokens, and of those who carry its messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from signerd.core.message import (
    Channel,
    Contact,
    MessageDraft,
    MessageId,
    MessageState,
    OutboxMessage,
)
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId, SubscriberId
from signerd.outbox.letter import Letter


class OutboxStore(Protocol):
    """The messages that wait. Every method raises StoreUnavailable."""

    async def release_taken(self, now_utc: datetime, *, urgent: bool) -> None:
        """Make due what was taken and never settled: whoever took it has died."""
        ...

    async def take_due(
        self, now_utc: datetime, limit: int, *, urgent: bool, again_utc: datetime
    ) -> list[OutboxMessage]:
        """At most limit messages that are due, the longest due first, their attempt counted. Each
        is due again at again_utc unless something is settled about it by then. urgent: codes, or
        all others."""
        ...

    async def settle_sent(
        self, message_id: MessageId, channel: Channel, sent_utc: datetime
    ) -> None:
        """PENDING -> SENT; what was sealed in it is forgotten."""
        ...

    async def settle_unsent(self, message_id: MessageId, state: MessageState, problem: str) -> None:
        """PENDING -> SKIPPED, EXPIRED or FAILED; what was sealed in it is forgotten."""
        ...

    async def try_again(self, message_id: MessageId, again_utc: datetime, problem: str) -> None:
        """Stays PENDING, due at again_utc."""
        ...

    async def put_messages(self, drafts: Sequence[MessageDraft]) -> int:
        """Put messages in; how many were not there before."""
        ...

    async def list_without_reminder(
        self, notice: int, since_utc: datetime, until_utc: datetime, limit: int
    ) -> list[CertificateRecord]:
        """Active certificates whose notAfter lies after since_utc and not after until_utc, that
        were made more than notice + 1 days before it, and that have no message of the occasion
        "certificate.expiring/{id}/{notice}"."""
        ...

    async def forget_messages(self, older_than_utc: datetime) -> int:
        """Drop messages that were put in before and are no longer PENDING; returns how many."""
        ...


class CertificateSource(Protocol):
    """Where the certificate a message is about is found."""

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord:
        """Raises NotFound, StoreUnavailable."""
        ...


class ContactStore(Protocol):
    """How subscribers want to be reached."""

    async def get_contact(self, subscriber: SubscriberId) -> Contact | None:
        """None for a subscriber who is not registered. Raises StoreUnavailable, TokenUnavailable
        and LimitExceeded."""
        ...


class ContentSealer(Protocol):
    """Encrypts under a key on the token."""

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        """deadline: seconds of time.monotonic(). Raises TokenUnavailable, LimitExceeded,
        DeadlineExceeded and TokenRefused."""
        ...


class Unsealer(Protocol):
    """Decrypts what was sealed under a key on the token."""

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        """deadline: seconds of time.monotonic(). Raises TokenUnavailable, LimitExceeded,
        DeadlineExceeded, TokenRefused, and Internal for what was not sealed so."""
        ...


class Carrier(Protocol):
    """One way by which messages leave the house."""

    async def send(self, letter: Letter) -> None:
        """Returns once somebody else has taken responsibility for it. Raises DeliveryError."""
        ...
