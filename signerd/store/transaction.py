"""An open transaction as the units of a batch see it."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from signerd.audit.chain import EMPTY, ChainHead
from signerd.audit.event import AuditEvent
from signerd.core.error import StoreUnavailable
from signerd.store.event_row import COLUMNS, EncodedEvent, encode, place_events
from signerd.store.failure import corrupt, unavailable
from signerd.store.schema import audit_events, audit_heads

_INSERT_EVENTS: Final = insert(audit_events)
_ADVANCE_HEAD: Final = (
    update(audit_heads)
    .where(
        audit_heads.c.chain == bindparam("of_chain"),
        audit_heads.c.length == bindparam("old_length"),
        audit_heads.c.head_hash == bindparam("old_hash"),
    )
    .values(length=bindparam("new_length"), head_hash=bindparam("new_hash"))
)


class Transaction:
    """A connection inside a transaction, and the events that will be put on record with it.

    A unit that raises takes back its changes and its events, and nobody else's.
    """

    __slots__ = ("_events", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._events: list[EncodedEvent] = []

    def record(self, event: AuditEvent) -> None:
        """Put an event on record in this transaction. Raises ValueError as `encode` does."""
        self._events.append(encode(event))

    def record_encoded(self, event: EncodedEvent) -> None:
        """Put an event on record that was encoded before."""
        self._events.append(event)

    def mark(self) -> int:
        """Where the events stand now, for `take_back`."""
        return len(self._events)

    def take_back(self, mark: int) -> None:
        """Forget the events recorded since the mark."""
        del self._events[mark:]

    def append_to_chain(self, chain: str, head: ChainHead) -> ChainHead:
        """Write the events, in their order, to the end of a chain; the head afterwards.

        Two statements, however many events. Raises StoreUnavailable: STORE_CHAIN_TAKEN when
        another process appended to the chain, STORE_CORRUPT when it is longer than its head says.
        """
        if not self._events:
            return head
        rows, new_head = place_events(self._events, chain, head)
        advanced = self.connection.execute(
            _ADVANCE_HEAD,
            {
                "of_chain": chain,
                "old_length": head.length,
                "old_hash": head.hash,
                "new_length": new_head.length,
                "new_hash": new_head.hash,
            },
        )
        if advanced.rowcount != 1:
            raise chain_taken(chain)
        try:
            named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            self.connection.execute(_INSERT_EVENTS, named)
        except IntegrityError as error:
            raise beyond_head(chain) from error
        return new_head


def load_head(connection: Connection, chain: str) -> ChainHead:
    """The head of a chain, made when there is none. In a write transaction."""
    row = connection.execute(
        select(audit_heads.c.length, audit_heads.c.head_hash)
        .where(audit_heads.c.chain == chain)
        .with_for_update()
    ).one_or_none()
    if row is not None:
        return ChainHead(row.length, row.head_hash)
    connection.execute(
        insert(audit_heads).values(chain=chain, length=EMPTY.length, head_hash=EMPTY.hash)
    )
    return EMPTY


def chain_taken(chain: str) -> StoreUnavailable:
    """The head is not where this process left it."""
    return unavailable(
        "STORE_CHAIN_TAKEN",
        f"another process appends to the audit chain {chain}; give each node its own name",
    )


def beyond_head(chain: str) -> StoreUnavailable:
    """There is something where the next record belongs."""
    return corrupt(
        f"the audit chain {chain} has records its head does not count; run `signerd audit verify`"
    )
