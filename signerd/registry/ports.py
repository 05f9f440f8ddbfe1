"""What the registry of subscribers needs of the store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.record import RequestKey
from signerd.core.subscriber import Lookup, SubscriberRecord
from signerd.core.value import SubscriberId


class SubscriberStore(Protocol):
    """Subscribers. Every method raises StoreUnavailable; those that take a request raise Conflict
    (REQUEST_ID_REUSED), and answer the same request again with the subscriber as it stands."""

    async def find_subscriber(self, subscriber: SubscriberId) -> SubscriberRecord | None:
        """None for one that never came into being."""
        ...

    async def find_by_lookup(
        self, lookup: Lookup, visible_subscribers: Sequence[str] | None, limit: int
    ) -> list[SubscriberRecord]:
        """Those registered with it, by their ids. visible_subscribers: glob patterns; None means
        all."""
        ...

    async def has_lookup(self, subscriber: SubscriberId, lookup: Lookup) -> bool:
        """Whether this subscriber was registered with it."""
        ...

    async def is_known_request(self, request: RequestKey) -> bool:
        """Whether a change was made with this request id."""
        ...

    async def register_subscriber(
        self,
        request: RequestKey,
        record: SubscriberRecord,
        lookups: Collection[Lookup],
        event: AuditEvent,
    ) -> SubscriberRecord:
        """Store a registration, also of a subscriber that came into being with a certificate or
        was erased. Raises Conflict (SUBSCRIBER_REGISTERED)."""
        ...

    async def update_subscriber(
        self,
        request: RequestKey,
        before: SubscriberRecord,
        after: SubscriberRecord,
        lookups: Collection[Lookup],
        event: AuditEvent,
    ) -> SubscriberRecord:
        """Store a changed registration in place of the one before; each lookup replaces those of
        its kind. Raises Interrupted (CONCURRENT_CHANGE) when it is no longer the one before."""
        ...

    async def erase_subscriber(
        self, request: RequestKey, subscriber: SubscriberId, event: AuditEvent
    ) -> SubscriberRecord:
        """Erase what is personal, wherever it is kept.

        Raises NotFound; WrongState (SUBSCRIBER_NOT_REGISTERED, SUBSCRIBER_ERASED,
        SUBSCRIBER_HAS_CERTIFICATE); Interrupted (ISSUANCE_IN_PROGRESS)."""
        ...
