"""How registered subscribers are reached, and whether a document is theirs."""

from collections.abc import Callable
from typing import Final

from signerd.core.message import Contact
from signerd.core.subscriber import LookupKind
from signerd.core.value import SubscriberId
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault

# Who asks is a process of the daemon that nobody waits for.
_UNSEAL_S: Final = 10.0


class RegisteredContacts:
    """`signerd.outbox.ports.ContactStore` over what is registered. monotonic: seconds, as deadlines
    are counted."""

    def __init__(
        self, store: SubscriberStore, vault: Vault, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._vault = vault
        self._monotonic = monotonic

    async def get_contact(self, subscriber: SubscriberId) -> Contact | None:
        """None for a subscriber who is not registered. Raises StoreUnavailable, TokenUnavailable
        and LimitExceeded."""
        found = await self._store.find_subscriber(subscriber)
        if found is None or found.sealed is None:
            return None
        data = await self._vault.unseal(
            subscriber, found.sealed, deadline=self._monotonic() + _UNSEAL_S
        )
        return Contact(found.real_name, data.email, data.phone, data.language)

    async def has_document(self, subscriber: SubscriberId, number: str, *, deadline: float) -> bool:
        """Whether the subscriber was registered with the identity document of this number, also
        where it is an identity number, which is not kept. Raises StoreUnavailable, and as
        Sealer."""
        lookup = await self._vault.lookup(LookupKind.DOCUMENT_NUMBER, number, deadline=deadline)
        return await self._store.has_lookup(subscriber, lookup)
