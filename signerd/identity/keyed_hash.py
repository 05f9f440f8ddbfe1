"""Keyed hashes of short secrets.

The key lies on a token: whoever has a copy of the database alone cannot try all six-digit codes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from signerd.identity.sealer import Sealer

Mac = Callable[[bytes], Awaitable[bytes]]
"""HMAC-SHA-256 under a key on a token."""

_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class CallMac:
    """A Mac for one call. deadline: seconds of time.monotonic()."""

    sealer: Sealer
    deadline: float

    async def __call__(self, data: bytes) -> bytes:
        return await self.sealer.mac(data, deadline=self.deadline)


def mac_input(use: str, *parts: str) -> bytes:
    """What is hashed: use and parts in UTF-8, each after its length, so that no two differing
    inputs give the same bytes. use: keeps hashes for different ends apart under one key."""
    encoded = [part.encode() for part in (f"signerd.v1 {use}", *parts)]
    return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in encoded)
