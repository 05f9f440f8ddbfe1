"""Messages to subscribers as the API shows them."""

from dataclasses import dataclass
from typing import Protocol

from signerd.core.error import InvalidRequest
from signerd.core.message import (
    Channel,
    MessageFilter,
    MessageId,
    MessageKind,
    MessageState,
    OutboxMessage,
)
from signerd.core.record import Page
from signerd.outbox.mailbox import Delivered
from signerd.transport import conversion as convert
from signerd.transport.page import page_of
from signerd.v1 import admin_pb2 as pb

_KIND_PREFIX = "MESSAGE_KIND_"
_STATE_PREFIX = "MESSAGE_STATE_"


class MessageList(Protocol):
    """Where the messages are read. Every method raises StoreUnavailable."""

    async def list_messages(
        self, where: MessageFilter, page: Page
    ) -> tuple[list[OutboxMessage], str]: ...

    async def get_message(self, message_id: MessageId) -> OutboxMessage: ...


class MailboxReader(Protocol):
    """What a test harness's mailbox has of a message; None where it has nothing."""

    async def read(self, message_id: MessageId, channel: Channel) -> Delivered | None: ...


@dataclass(frozen=True, slots=True)
class OutboxView:
    """What operators see of the outbox. mailboxes: the channels whose messages go into the mailbox
    and can be read there; those that leave the house nobody reads here."""

    messages: MessageList
    mailboxes: frozenset[Channel]
    mailbox: MailboxReader

    async def list(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
        """A page. Raises InvalidRequest, StoreUnavailable."""
        page = page_of(request.page_size, request.page_token)
        found, cursor = await self.messages.list_messages(filter_from(request), page)
        shown = [await self._show(message) for message in found]
        return pb.ListMessagesResponse(messages=shown, next_page_token=cursor)

    async def get(self, request: pb.GetMessageRequest) -> pb.GetMessageResponse:
        """One message. Raises InvalidRequest, NotFound, StoreUnavailable."""
        message_id = MessageId(convert.hex_tail(request.name, "messages/", "name"))
        found = await self.messages.get_message(message_id)
        return pb.GetMessageResponse(message=await self._show(found))

    async def _show(self, message: OutboxMessage) -> pb.OutboxMessage:
        shown = message_to(message)
        channel = message.draft.channel
        if message.state is MessageState.SENT and channel in self.mailboxes:
            delivered = await self.mailbox.read(message.message_id, channel)
            if delivered is not None:
                shown.content.CopyFrom(content_to(delivered))
        return shown


def filter_from(request: pb.ListMessagesRequest) -> MessageFilter:
    """Raises InvalidRequest that names the field."""
    kind = state = None
    if request.kind:
        if request.kind not in pb.MessageKind.values():
            raise InvalidRequest("kind: unknown number", field="kind")
        kind = MessageKind[pb.MessageKind.Name(request.kind).removeprefix(_KIND_PREFIX)]
    if request.state:
        if request.state not in pb.MessageState.values():
            raise InvalidRequest("state: unknown number", field="state")
        state = MessageState[pb.MessageState.Name(request.state).removeprefix(_STATE_PREFIX)]
    subscriber, certificate = request.subscriber, request.certificate
    return MessageFilter(
        subscriber=convert.subscriber_from(subscriber) if subscriber else None,
        certificate=convert.certificate_from(certificate) if certificate else None,
        kind=kind,
        state=state,
    )


def message_to(message: OutboxMessage) -> pb.OutboxMessage:
    """Everything but what was sent."""
    draft = message.draft
    channel = "UNSPECIFIED" if draft.channel is None else draft.channel.name
    shown = pb.OutboxMessage(
        name=f"messages/{message.message_id}",
        kind=pb.MessageKind.Value(_KIND_PREFIX + draft.kind.name),
        subscriber=f"subscribers/{draft.subscriber}",
        certificate=f"certificates/{draft.certificate}" if draft.certificate else "",
        channel=pb.MessageChannel.Value(f"MESSAGE_CHANNEL_{channel}"),
        state=pb.MessageState.Value(_STATE_PREFIX + message.state.name),
        attempts=message.attempts,
        problem=message.problem,
        create_time=convert.timestamp_to(draft.created_utc),
    )
    if message.state is MessageState.PENDING:
        shown.next_attempt_time.FromDatetime(message.next_attempt_utc)
    if message.sent_utc is not None:
        shown.send_time.FromDatetime(message.sent_utc)
    return shown


def content_to(delivered: Delivered) -> pb.MessageContent:
    """What was sent."""
    return pb.MessageContent(
        address=delivered.address,
        subject=delivered.subject,
        text=delivered.text,
        attachments=delivered.attachments,
    )
