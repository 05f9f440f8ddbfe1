"""An open transaction as the units of a batch see it."""

from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from signerd.audit.canonical import encode_event
from signerd.audit.chain import EMPTY, ChainHead, hash_at
from signerd.audit.event import AuditEvent
from signerd.store.column import to_microseconds
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
_encode_json: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event ready to be put in its place."""

    encoded: bytes
    row: dict[str, object]


def encode(event: AuditEvent) -> EncodedEvent:
    """All of an event's row that does not depend on its place. Raises ValueError for text that
    UTF-8 cannot carry and a time without a zone."""
    return EncodedEvent(
        encode_event(event),
        {
            "time_us": to_microseconds(event.time_utc),
            "kind": event.kind.value,
            "principal": event.principal,
            "resource": event.resource,
            "request_id": event.request_id,
            "details": _encode_json(event.details).decode(),
        },
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
        rows, new_head = _placed(self._events, chain, head)
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
            raise unavailable(
                "STORE_CHAIN_TAKEN",
                f"another process appends to the audit chain {chain}; give each node its own name",
            )
        try:
            self.connection.execute(_INSERT_EVENTS, rows)
        except IntegrityError as error:
            raise corrupt(
                f"the audit chain {chain} has records its head does not count; "
                "run `signerd audit verify`"
            ) from error
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


def _placed(
    events: list[EncodedEvent], chain: str, head: ChainHead
) -> tuple[list[dict[str, object]], ChainHead]:
    length, previous = head
    rows = []
    for event in events:
        length += 1
        hash_ = hash_at(chain, length, previous, event.encoded)
        rows.append(
            {
                "chain": chain,
                "sequence": length,
                **event.row,
                "previous_hash": previous,
                "hash": hash_,
            }
        )
        previous = hash_
    return rows, ChainHead(length, previous)
