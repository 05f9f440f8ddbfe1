"""What the tests of identity checks share: a moment, a keyed hash, names."""

import hashlib
import hmac
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.core.record import RequestKey
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


class Box:
    """A sealer with keys of its own, and what was sealed by request."""

    def __init__(self) -> None:
        self.kept: dict[RequestKey, bytes] = {}
        self._cipher = AESGCM(bytes(32))

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        del deadline
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, associated)

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        del deadline
        return self._cipher.decrypt(sealed[:12], sealed[12:], associated)

    async def mac(self, data: bytes, *, deadline: float) -> bytes:
        del deadline
        return await mac(data)

    async def find_answer(self, request: RequestKey) -> bytes | None:
        return self.kept.get(request)


def counting() -> Callable[[int], bytes]:
    """A source that gives the bytes 0, 1, 2 and so on."""
    state = [0]

    def draw(count: int) -> bytes:
        start = state[0]
        state[0] += count
        return bytes(index % 256 for index in range(start, start + count))

    return draw
