"""What calls of the registry have in common."""

from dataclasses import dataclass, field

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.clock import Clock
from signerd.core.error import NotFound, PermissionDenied, WrongState
from signerd.core.record import RequestKey
from signerd.core.subscriber import PersonalData, SubscriberRecord
from signerd.core.value import SubscriberId
from signerd.policy.decide import Scope
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault


@dataclass(frozen=True, slots=True)
class RegistryCall:
    """A checked call that changes a subscriber. content: of the request, without its id; deadline:
    seconds of time.monotonic()."""

    principal: str
    request_id: str
    content: bytes = field(repr=False)
    subscriber: SubscriberId
    scope: Scope
    deadline: float

    async def key(self, vault: Vault, method: str) -> RequestKey:
        """Its identity. Raises as Sealer."""
        return await vault.request_key(
            self.principal, method, self.request_id, self.content, deadline=self.deadline
        )

    def event(self, kind: EventKind, clock: Clock, **details: str) -> AuditEvent:
        """As the audit has it: without personal data."""
        return AuditEvent(
            kind,
            clock.now(),
            self.principal,
            f"subscribers/{self.subscriber}",
            self.request_id,
            details,
        )


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """A subscriber as it is answered. masked: its personal data; None where there is none."""

    record: SubscriberRecord
    masked: PersonalData | None


def check_scope(subscriber: SubscriberId, scope: Scope) -> None:
    """Raises PermissionDenied (OUT_OF_SCOPE)."""
    if not scope.covers(subscriber, ""):
        raise PermissionDenied(
            f"subscribers/{subscriber} is outside your grants; ask the operator for a grant that "
            "names it",
            reason="OUT_OF_SCOPE",
        )


async def find_in_scope(
    store: SubscriberStore, subscriber: SubscriberId, scope: Scope
) -> SubscriberRecord:
    """A subscriber as it stands. Raises NotFound and PermissionDenied (OUT_OF_SCOPE)."""
    check_scope(subscriber, scope)
    found = await store.find_subscriber(subscriber)
    if found is None:
        raise NotFound(f"there is no subscriber {subscriber}; register it first")
    return found


def require_registered(found: SubscriberRecord) -> bytes:
    """The sealed personal data. Raises WrongState (SUBSCRIBER_NOT_REGISTERED,
    SUBSCRIBER_ERASED)."""
    if found.sealed is not None:
        return found.sealed
    if found.erased_utc is not None:
        raise WrongState(
            f"the personal data of subscribers/{found.subscriber} was erased; register the "
            "subscriber again",
            reason="SUBSCRIBER_ERASED",
        )
    raise WrongState(
        f"subscribers/{found.subscriber} is not registered; register it first",
        reason="SUBSCRIBER_NOT_REGISTERED",
    )
