"""What the bank sent to its customers."""

import re
import time
from typing import Final

from signerd_client import Client
from signerd_client.message import Message, MessageKind, MessageState
from signerd_harness import Customer

_POLL_S: Final = 0.05
_CODE: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")


class Outbox:
    """Mails and SMS of the daemon, which writes them into files for tests.

    Messages are sent a moment after the act that they tell of, so reading waits for them.
    """

    def __init__(self, operator: Client) -> None:
        self._operator = operator

    def messages(self, customer: Customer, kind: MessageKind | str | None = None) -> list[Message]:
        """What there is to a customer by now, newest first."""
        return list(self._operator.list_messages(subscriber=customer.subscriber, kind=kind))

    def wait_for(
        self, customer: Customer, kind: MessageKind | str, *, limit_s: float = 30.0
    ) -> Message:
        """The newest message of a kind, once it is sent. Raises AssertionError after limit_s."""
        deadline = time.monotonic() + limit_s
        while True:
            found = self.messages(customer, kind)
            if found and found[0].state is MessageState.SENT:
                return found[0]
            if time.monotonic() > deadline:
                seen = ", ".join(
                    f"{one.kind} {one.state} {one.problem}".rstrip()
                    for one in self.messages(customer)
                )
                raise AssertionError(
                    f"no {kind} was sent to {customer.subscriber} in {limit_s:g} s;"
                    f" there is: {seen or 'nothing'}"
                )
            time.sleep(_POLL_S)

    def code(self, customer: Customer, *, limit_s: float = 30.0) -> str:
        """The one-time code sent to a customer last. Raises AssertionError after limit_s."""
        message = self.wait_for(customer, MessageKind.CODE, limit_s=limit_s)
        text = message.content.text if message.content else ""
        found = _CODE.search(text)
        if found is None:
            raise AssertionError(
                f"the text of {message.name} holds no code of six digits; does the daemon send to a"
                ' mailbox (outbox.sms = "mailbox")?'
            )
        return found[0]
