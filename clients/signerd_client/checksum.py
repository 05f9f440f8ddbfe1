"""CRC-32C (RFC 3720, appendix B.4) in its optional wrapper: absent differs from 0."""

import google_crc32c
from google.protobuf.wrappers_pb2 import UInt32Value

from signerd_client.error import Corrupted, ErrorDetail


def checksum_of(data: bytes) -> UInt32Value:
    """The checksum to send with data."""
    return UInt32Value(value=google_crc32c.value(data))


def require(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition is what it takes
    """Raise Corrupted unless a checksum holds."""
    if not holds:
        raise Corrupted(
            ErrorDetail(
                message=f"{what} does not match its checksum",
                reason="CHECKSUM_MISMATCH",
                advice=Corrupted.advice_of_family,
            )
        )


def matches(data: bytes, checksum: UInt32Value) -> bool:
    """True when data has this checksum."""
    return bool(google_crc32c.value(data) == checksum.value)
