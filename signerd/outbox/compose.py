"""Make the message that carries a one-time code."""

from dataclasses import dataclass
from datetime import datetime

from signerd.core.message import Channel, MessageDraft, MessageKind, message_id_of
from signerd.core.value import SubscriberId
from signerd.outbox.ports import ContentSealer
from signerd.outbox.sealed import SealedContent, associated_of


@dataclass(frozen=True, slots=True)
class CodeNotice:
    """A code that is on its way. occasion: names it, and never comes again. expires_utc: from when
    on it does not count and is not sent."""

    occasion: str
    subscriber: SubscriberId
    channel: Channel
    created_utc: datetime
    expires_utc: datetime


async def compose_code(
    sealer: ContentSealer, notice: CodeNotice, content: SealedContent, *, deadline: float
) -> MessageDraft:
    """The message, its content sealed, to be put into the outbox in the transaction that makes the
    code count (`store.outbox_row.put_message`).

    content: parameters has "code". deadline: seconds of time.monotonic(). Raises as the sealer.
    """
    associated = associated_of(message_id_of(notice.occasion))
    sealed = await sealer.seal(content.encode(), associated, deadline=deadline)
    return MessageDraft(
        occasion=notice.occasion,
        kind=MessageKind.CODE,
        subscriber=notice.subscriber,
        created_utc=notice.created_utc,
        channel=notice.channel,
        sealed=sealed,
        expires_utc=notice.expires_utc,
    )
