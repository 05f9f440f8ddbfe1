"""What protects personal data: keys that never leave their token."""

from typing import Protocol

from signerd.core.value import SubscriberId


class Sealer(Protocol):
    """Encryption of small personal data under a key on the token, and the keyed hashes by which it
    is found. Deadlines are seconds of time.monotonic().

    Every method raises TokenUnavailable, TokenRefused, LimitExceeded or DeadlineExceeded.
    """

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        """Encrypt. associated: what the value belongs to; it is not in the result, and only with
        it is the value unsealed again."""
        ...

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        """Decrypt. Raises Internal (SEAL_BROKEN) when the value was changed or belongs to
        something else."""
        ...

    async def mac(self, data: bytes, *, deadline: float) -> bytes:
        """HMAC-SHA-256, 32 bytes: always the same for the same data."""
        ...


def associated_of(subscriber: SubscriberId) -> bytes:
    """Associated data of everything that is sealed of a subscriber: it opens as theirs only."""
    return f"subscribers/{subscriber}".encode()
