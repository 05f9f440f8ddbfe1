"""What is personal in a message that is not about a certificate, as it is sealed for the outbox."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from signerd.core.message import MessageId


@dataclass(frozen=True, slots=True)
class SealedContent:
    """To whom, and what the template is filled with: "code" for a one-time code. address: e-mail
    address, or phone number in E.164 form."""

    name: str = field(repr=False)
    address: str = field(repr=False)
    language: str
    parameters: Mapping[str, str] = field(repr=False)

    def encode(self) -> bytes:
        """To be sealed; JSON."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @staticmethod
    def decode(encoded: bytes) -> "SealedContent":
        """What `encode` made."""
        return SealedContent(**json.loads(encoded))


def associated_of(message_id: MessageId) -> bytes:
    """Associated data of the sealing: a sealed content opens in its own message only."""
    return b"outbox/" + message_id.encode()
