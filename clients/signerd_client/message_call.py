"""The calls of signerd.v1.Admin about messages to subscribers."""

from typing import Final

from signerd.v1 import admin_pb2 as wire
from signerd_client.call import Call, Listing, Page, decoder
from signerd_client.message import (
    Message,
    MessageKind,
    MessageState,
    kind_to_wire,
    message_from_wire,
    message_state_to_wire,
)
from signerd_client.name import certificate_name, message_name, subscriber_name

_SERVICE: Final = "/signerd.v1.Admin"


def list_messages(
    *,
    subscriber: str = "",
    certificate: str = "",
    kind: MessageKind | str | None = None,
    state: MessageState | str | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Message]:
    """List messages to subscribers, newest first, over all pages, which are fetched as they are
    needed.

    Filters combine with "and". What was sent is there only where it went into the mailbox of a
    test harness. timeout_s is the deadline of one page.
    """
    request = wire.ListMessagesRequest(
        subscriber=subscriber_name(subscriber),
        certificate=certificate_name(certificate),
        kind=kind_to_wire(kind),
        state=message_state_to_wire(state),
        page_size=page_size,
    )
    decode = decoder(
        wire.ListMessagesResponse,
        lambda answer: Page(
            tuple(message_from_wire(item) for item in answer.messages), answer.next_page_token
        ),
    )

    def page(token: str) -> Call[Page[Message]]:
        asked = wire.ListMessagesRequest(page_token=token)
        asked.MergeFrom(request)
        payload = asked.SerializeToString()
        return Call(f"{_SERVICE}/ListMessages", payload, decode, timeout_s)

    return Listing(page)


def get_message(message: str, *, timeout_s: float | None = None) -> Call[Message]:
    """Return one message to a subscriber."""
    return Call(
        f"{_SERVICE}/GetMessage",
        wire.GetMessageRequest(name=message_name(message)).SerializeToString(),
        decoder(wire.GetMessageResponse, lambda answer: message_from_wire(answer.message)),
        timeout_s,
    )
