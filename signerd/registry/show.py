"""Show subscribers, personal data masked."""

from typing import Final

from signerd.core.subscriber import LookupKind, SubscriberRecord
from signerd.core.value import SubscriberId
from signerd.policy.decide import Scope
from signerd.registry.call import SubscriberView, find_in_scope
from signerd.registry.personal_data import masked
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault

_MOST_FOUND: Final = 100


class SubscriberQuery:
    """The use cases behind Enrolment.GetSubscriber and FindSubscribers. Deadlines are seconds of
    time.monotonic()."""

    def __init__(self, store: SubscriberStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def get(
        self, subscriber: SubscriberId, scope: Scope, *, deadline: float
    ) -> SubscriberView:
        """Raises NotFound, PermissionDenied, StoreUnavailable, and as Sealer."""
        return await self.view(
            await find_in_scope(self._store, subscriber, scope), deadline=deadline
        )

    async def find(
        self, kind: LookupKind, value: str, scope: Scope, *, deadline: float
    ) -> list[SubscriberView]:
        """Those registered with exactly this account, phone, e-mail address or document number,
        of those whom the caller may see. Raises StoreUnavailable, and as Sealer."""
        lookup = await self._vault.lookup(kind, value, deadline=deadline)
        found = await self._store.find_by_lookup(lookup, scope.subscriber_patterns(), _MOST_FOUND)
        return [await self.view(record, deadline=deadline) for record in found]

    async def view(self, record: SubscriberRecord, *, deadline: float) -> SubscriberView:
        """What is answered of a subscriber. Raises as Sealer."""
        if record.sealed is None:
            return SubscriberView(record, None)
        data = await self._vault.unseal(record.subscriber, record.sealed, deadline=deadline)
        return SubscriberView(record, masked(data))
