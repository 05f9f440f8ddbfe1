"""Erase the personal data of a subscriber for good."""

from signerd.audit.event import EventKind
from signerd.core.clock import Clock
from signerd.registry.call import RegistryCall, SubscriberView, check_scope
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault


class EraseSubscriber:
    """The use case behind Enrolment.EraseSubscriber."""

    def __init__(self, store: SubscriberStore, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    async def erase(self, call: RegistryCall) -> SubscriberView:
        """The subscriber, without personal data.

        What was sealed, the hashes by which it was found, and the random numbers without which a
        VID says nothing are gone; certificates and the audit stay, and hold nothing of them.
        Raises NotFound, PermissionDenied, Conflict, WrongState and Interrupted as the store, and
        as Sealer.
        """
        check_scope(call.subscriber, call.scope)
        key = await call.key(self._vault, "EraseSubscriber")
        event = call.event(EventKind.SUBSCRIBER_ERASED, self._clock)
        return SubscriberView(await self._store.erase_subscriber(key, call.subscriber, event), None)
