"""Time stamps as the client gives them to its callers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A time stamp that was made.

    response: TimeStampResp (RFC 3161), DER; token: the TimeStampToken in it, ContentInfo, DER.
    time: genTime. serial_number: hexadecimal. policy: an object identifier, dotted.
    """

    response: bytes
    token: bytes
    time: datetime
    serial_number: str
    policy: str
