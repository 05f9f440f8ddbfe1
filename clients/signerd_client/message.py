"""Messages to subscribers as the client gives them to its callers. Times are UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from google.protobuf.descriptor import EnumDescriptor

from signerd.v1 import admin_pb2

_KIND_PREFIX = "MESSAGE_KIND_"
_STATE_PREFIX = "MESSAGE_STATE_"
_CHANNEL_PREFIX = "MESSAGE_CHANNEL_"


class MessageKind(StrEnum):
    """What a message tells."""

    CODE = "CODE"
    CERTIFICATE_ISSUED = "CERTIFICATE_ISSUED"
    CERTIFICATE_REISSUED = "CERTIFICATE_REISSUED"
    CERTIFICATE_RENEWED = "CERTIFICATE_RENEWED"
    CERTIFICATE_SUSPENDED = "CERTIFICATE_SUSPENDED"
    CERTIFICATE_RESUMED = "CERTIFICATE_RESUMED"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    CERTIFICATE_EXPIRING = "CERTIFICATE_EXPIRING"
    UNKNOWN = "UNKNOWN"


class MessageState(StrEnum):
    """PENDING: to be sent, for the first time or again. SKIPPED: there was nobody to send it to, or
    it was no longer true. EXPIRED: too late to be of use. FAILED: nobody took it."""

    PENDING = "PENDING"
    SENT = "SENT"
    SKIPPED = "SKIPPED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What the mailbox of a test harness has of a message: address is an e-mail address or a phone
    number; attachments are names of files."""

    address: str
    subject: str
    text: str
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a subscriber. channel: "EMAIL", "SMS", or empty while it is not known. problem:
    why it was not sent so far. content: None where messages leave the house."""

    name: str
    kind: MessageKind
    subscriber: str
    certificate: str
    channel: str
    state: MessageState
    attempts: int
    problem: str
    create_time: datetime
    next_attempt_time: datetime | None
    send_time: datetime | None
    content: MessageContent | None


def message_from_wire(message: admin_pb2.OutboxMessage) -> Message:
    """The value of a message."""
    kind = _name(admin_pb2.MessageKind.DESCRIPTOR, message.kind, _KIND_PREFIX)
    state = _name(admin_pb2.MessageState.DESCRIPTOR, message.state, _STATE_PREFIX)
    channel = _name(admin_pb2.MessageChannel.DESCRIPTOR, message.channel, _CHANNEL_PREFIX)
    content = message.content
    return Message(
        name=message.name,
        kind=MessageKind(kind) if kind in MessageKind.__members__ else MessageKind.UNKNOWN,
        subscriber=message.subscriber,
        certificate=message.certificate,
        channel="" if channel == "UNSPECIFIED" else channel,
        state=MessageState(state) if state in MessageState.__members__ else MessageState.UNKNOWN,
        attempts=message.attempts,
        problem=message.problem,
        create_time=message.create_time.ToDatetime(UTC),
        next_attempt_time=(
            message.next_attempt_time.ToDatetime(UTC)
            if message.HasField("next_attempt_time")
            else None
        ),
        send_time=message.send_time.ToDatetime(UTC) if message.HasField("send_time") else None,
        content=(
            MessageContent(
                content.address, content.subject, content.text, tuple(content.attachments)
            )
            if message.HasField("content")
            else None
        ),
    )


def _name(kinds: EnumDescriptor, number: int, prefix: str) -> str:
    """Empty for a number of a later version."""
    value = kinds.values_by_number.get(number)
    return value.name.removeprefix(prefix) if value else ""


def kind_to_wire(kind: MessageKind | str | None) -> admin_pb2.MessageKind.ValueType:
    """Raises ValueError for an unknown name."""
    name = "UNSPECIFIED" if kind is None else MessageKind(kind).value
    return admin_pb2.MessageKind.Value(_KIND_PREFIX + name)


def message_state_to_wire(state: MessageState | str | None) -> admin_pb2.MessageState.ValueType:
    """Raises ValueError for an unknown name."""
    name = "UNSPECIFIED" if state is None else MessageState(state).value
    return admin_pb2.MessageState.Value(_STATE_PREFIX + name)
