"""Wires who subscribers are: their registration, and the identities of their certificates."""

import secrets
import time
from dataclasses import dataclass
from typing import Self

from signerd.app.wiring import Base
from signerd.ca.issue import IdentitySource
from signerd.ca.verify_identity import IdentityGuard
from signerd.identity.holder import HolderIdentities
from signerd.registry.contact import RegisteredContacts
from signerd.registry.erase import EraseSubscriber
from signerd.registry.register import RegisterSubscriber
from signerd.registry.show import SubscriberQuery
from signerd.registry.update import UpdateSubscriber
from signerd.registry.vault import Vault
from signerd.store.identity import SqlIdentityStore
from signerd.store.subscriber import SqlSubscriberStore
from signerd.transport.enrolment_registry import RegistryUseCases


@dataclass(frozen=True, slots=True)
class Identities:
    """What issuing and asking about identities share."""

    holders: HolderIdentities
    guard: IdentityGuard
    source: IdentitySource

    @classmethod
    def of(cls, base: Base) -> Self:
        """Those of a process. Raises BootError when init made no keys for it."""
        store = SqlIdentityStore(base.database)
        holders = HolderIdentities(base.sealer, secrets.token_bytes)
        guard = IdentityGuard(store, holders, base.clock)
        return cls(holders, guard, IdentitySource(store, holders, guard))


def registry_use_cases(base: Base, holders: HolderIdentities) -> RegistryUseCases:
    """Registration of subscribers. Raises BootError when init made no keys for it."""
    store, vault = SqlSubscriberStore(base.database), Vault(base.sealer)
    query = SubscriberQuery(store, vault)
    return RegistryUseCases(
        register=RegisterSubscriber(store, vault, holders, query, base.clock),
        update=UpdateSubscriber(store, vault, query, base.clock),
        query=query,
        erase=EraseSubscriber(store, vault, base.clock),
        clock=base.clock,
    )


def registered_contacts(base: Base) -> RegisteredContacts:
    """How registered subscribers are reached. Raises BootError when init made no keys for it."""
    return RegisteredContacts(SqlSubscriberStore(base.database), Vault(base.sealer), time.monotonic)
