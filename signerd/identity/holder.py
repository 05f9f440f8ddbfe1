"""Who holds a certificate: identities made of identity numbers, and compared with them.

The number itself is used and forgotten. Its random number, without which a VID says nothing, is
kept encrypted under a key on the token: whoever has a copy of the database alone cannot try all
numbers that fit a birth date.
"""

from collections.abc import Callable

from signerd.core.error import WrongState
from signerd.core.record import HolderIdentity
from signerd.core.value import SubscriberId
from signerd.identity.sealer import Sealer, associated_of
from signerd.pki.identify_data import CERTIFIED_HASH
from signerd.pki.vid import RANDOM_BYTES, IdentityNumber, matches, virtual_id


class HolderIdentities:
    """Makes and compares identities. random: bytes from a secure source."""

    def __init__(self, sealer: Sealer, random: Callable[[int], bytes]) -> None:
        self._sealer = sealer
        self._random = random

    async def make(
        self, subscriber: SubscriberId, real_name: str, number: IdentityNumber, *, deadline: float
    ) -> HolderIdentity:
        """A VID with a random number of its own. Raises as Sealer."""
        random = self._random(RANDOM_BYTES)
        sealed = await self._sealer.seal(random, associated_of(subscriber), deadline=deadline)
        return HolderIdentity(real_name, virtual_id(number, random, CERTIFIED_HASH), sealed)

    async def is_of(
        self,
        subscriber: SubscriberId,
        identity: HolderIdentity,
        number: IdentityNumber,
        *,
        deadline: float,
    ) -> bool:
        """Whether the identity of a subscriber was made of this number. Raises as Sealer, and
        WrongState (IDENTITY_ERASED)."""
        if identity.sealed_random is None:
            raise WrongState(
                f"the personal data of subscribers/{subscriber} was erased; nothing tells any more "
                "whom this certificate belonged to",
                reason="IDENTITY_ERASED",
            )
        random = await self._sealer.unseal(
            identity.sealed_random, associated_of(subscriber), deadline=deadline
        )
        return matches(number, random, CERTIFIED_HASH, identity.virtual_id)
