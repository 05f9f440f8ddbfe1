"""What the tests of identity checks share: a moment, a keyed hash, names."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.core.value import EnrolmentId, SubscriberId
from signerd.identity.one_time_code import CodeBinding

NOW: Final = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ENROLMENT: Final = EnrolmentId("enrolment-1")
SUBSCRIBER: Final = SubscriberId("cust-1")
BINDING: Final = CodeBinding(ENROLMENT, Factor.PHONE_CODE, EnrolmentPurpose.REISSUE)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def mac(data: bytes) -> bytes:
    """HMAC-SHA-256, as a token makes it."""
    return hmac.digest(b"a key of thirty-two bytes, or so.", data, hashlib.sha256)


def counting() -> Callable[[int], bytes]:
    """A source that gives the bytes 0, 1, 2 and so on."""
    state = [0]

    def draw(count: int) -> bytes:
        start = state[0]
        state[0] += count
        return bytes(index % 256 for index in range(start, start + count))

    return draw
