"""Personal data in and out of its encryption, and the keyed hashes by which it is found."""

from hashlib import sha256

from signerd.core.record import RequestKey
from signerd.core.subscriber import Lookup, LookupKind, PersonalData
from signerd.core.value import SubscriberId
from signerd.identity.keyed_hash import mac_input
from signerd.identity.sealer import Sealer, associated_of
from signerd.registry.personal_data import Registration, decode, encode, plain_key


class Vault:
    """Every method raises as Sealer; deadlines are seconds of time.monotonic()."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def seal(self, subscriber: SubscriberId, data: PersonalData, *, deadline: float) -> bytes:
        """Encrypt."""
        return await self._sealer.seal(encode(data), associated_of(subscriber), deadline=deadline)

    async def unseal(
        self, subscriber: SubscriberId, sealed: bytes, *, deadline: float
    ) -> PersonalData:
        """Decrypt."""
        return decode(
            await self._sealer.unseal(sealed, associated_of(subscriber), deadline=deadline)
        )

    async def lookup(self, kind: LookupKind, value: str, *, deadline: float) -> Lookup:
        """By what subscribers with this account, phone, e-mail address or document are found."""
        hashed = mac_input("subscriber lookup", kind.value, plain_key(kind, value))
        return Lookup(kind, await self._sealer.mac(hashed, deadline=deadline))

    async def lookups(self, registration: Registration, *, deadline: float) -> list[Lookup]:
        """By what a subscriber is found."""
        return [
            await self.lookup(kind, value, deadline=deadline)
            for kind, value in registration.keys.items()
        ]

    async def request_key(
        self, principal: str, method: str, request_id: str, content: bytes, *, deadline: float
    ) -> RequestKey:
        """Identity of a call with personal data in its content.

        The hash has a key: of a plain one whoever reads the database could try all phones and
        identity numbers there are.
        """
        hashed = mac_input("request content", method, sha256(content).hexdigest())
        mac = await self._sealer.mac(hashed, deadline=deadline)
        return RequestKey(principal, method, request_id, mac)
