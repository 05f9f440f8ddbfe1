"""Messages as rows, and how they come into the outbox."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, exists, insert, select

from signerd.audit.event import AuditEvent
from signerd.core.lifecycle import RevocationReason
from signerd.core.message import (
    Channel,
    MessageDraft,
    MessageKind,
    MessageState,
    OutboxMessage,
)
from signerd.core.record import CertificateRecord
from signerd.store.column import to_microseconds
from signerd.store.schema import outbox
from signerd.store.stored import decoded

SELECT_MESSAGE: Final[Select[Any]] = select(outbox)

# What a message says of the act beyond its kind.
_TOLD: Final = frozenset({"reason", "limit", "suspension"})
_KINDS: Final = frozenset(kind.value for kind in MessageKind)
_decode_details: Final = msgspec.json.Decoder(dict[str, str]).decode
_encode_json: Final = msgspec.json.Encoder(order="sorted").encode


def put_message(connection: Connection, draft: MessageDraft) -> bool:
    """Put a message into the outbox in an open transaction; False when its occasion was put in
    before."""
    is_known = select(exists().where(outbox.c.occasion == draft.occasion))
    if connection.execute(is_known).scalar_one():
        return False
    connection.execute(
        insert(outbox).values(
            message_id=draft.message_id,
            occasion=draft.occasion,
            kind=draft.kind.value,
            subscriber_id=draft.subscriber,
            certificate_id=draft.certificate,
            channel=None if draft.channel is None else draft.channel.value,
            details=_encode_json(draft.details).decode(),
            sealed=draft.sealed,
            state=MessageState.PENDING.value,
            attempts=0,
            created_utc=draft.created_utc,
            next_attempt_utc=draft.created_utc,
            expires_utc=draft.expires_utc,
            problem="",
        )
    )
    return True


def announce(connection: Connection, event: AuditEvent, certificate: CertificateRecord) -> None:
    """Have the subscriber told of what happened to a certificate, if the transaction in which it
    happens is committed.

    A certificate that ends in favour of another is not told of: the message on the new one says
    so. No personal data goes into the outbox: the one who sends it finds the contact.
    """
    if event.kind.value not in _KINDS:
        return
    if event.details.get("reason") == RevocationReason.SUPERSEDED.name:
        return
    moment = to_microseconds(event.time_utc)
    put_message(
        connection,
        MessageDraft(
            occasion=f"{event.kind.value}/{certificate.certificate_id}/{moment}",
            kind=MessageKind(event.kind.value),
            subscriber=certificate.subscriber,
            certificate=certificate.certificate_id,
            details={name: text for name, text in event.details.items() if name in _TOLD},
            created_utc=event.time_utc,
        ),
    )


def message_of(row: Row[Any]) -> OutboxMessage:
    """The message in a row of SELECT_MESSAGE. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"message {row.message_id}"):
        return OutboxMessage(
            message_id=row.message_id,
            draft=MessageDraft(
                occasion=row.occasion,
                kind=MessageKind(row.kind),
                subscriber=row.subscriber_id,
                certificate=row.certificate_id,
                channel=None if row.channel is None else Channel(row.channel),
                details=_decode_details(row.details),
                sealed=row.sealed,
                created_utc=row.created_utc,
                expires_utc=row.expires_utc,
            ),
            state=MessageState(row.state),
            attempts=row.attempts,
            next_attempt_utc=row.next_attempt_utc,
            sent_utc=row.sent_utc,
            problem=row.problem,
        )
