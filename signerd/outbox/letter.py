"""A message as it leaves the house."""

from dataclasses import dataclass, field
from datetime import datetime

from signerd.core.message import Channel, MessageId, MessageKind


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes with an e-mail."""

    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to whom. name: of the subscriber; address: e-mail address, or phone number in
    E.164 form; subject: empty for an SMS; language: of the text, ISO 639-1."""

    message_id: MessageId
    kind: MessageKind
    channel: Channel
    language: str
    name: str = field(repr=False)
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    time_utc: datetime
    attachment: Attachment | None = None


class NotNeeded(Exception):
    """A message that need not be sent. problem: why, without personal data."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class DeliveryError(Exception):
    """A letter was not taken.

    problem: why, for the operator: without address and text, so without what a server says. final:
    whether trying again is of no use.
    """

    def __init__(self, problem: str, *, final: bool) -> None:
        super().__init__(problem)
        self.problem = problem
        self.final = final
