"""The audit trail: appended, listed, followed, verified."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select, union_all

from signerd.audit.chain import EMPTY, ChainHead
from signerd.audit.event import AuditEvent, AuditFilter, AuditRecord, EventKind
from signerd.audit.verify import ChainVerifier, VerifyReport
from signerd.core.error import StoreUnavailable
from signerd.core.record import Page
from signerd.store.audit_row import SELECT_RECORD, read_records
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.schema import audit_events, audit_heads
from signerd.store.transaction import Transaction

# Records verified in one snapshot: a longer one would keep SQLite from shortening its log.
_CHUNK: Final = 1000
_BEFORE_ALL: Final = -(1 << 63)


class SqlAuditTrail:
    """All chains of the store; `append` adds to the one of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, events: Sequence[AuditEvent]) -> None:
        """Put events on record; returns once they are durable. Raises StoreUnavailable,
        LimitExceeded, and ValueError for an event that cannot be encoded."""

        def record(transaction: Transaction) -> None:
            for event in events:
                transaction.record(event)

        await self._database.write(record)

    async def list_records(self, where: AuditFilter, page: Page) -> tuple[list[AuditRecord], str]:
        """A page, oldest first, and the cursor of the next ("" on the last).

        Raises InvalidRequest (INVALID_PAGE_TOKEN) for a foreign cursor, StoreUnavailable.
        """
        listing = ["audit", where]
        after = read_cursor(page.cursor, listing, int) if page.cursor else 0
        query = SELECT_RECORD.where(audit_events.c.position > after)
        if where.resource:
            query = query.where(audit_events.c.resource == where.resource)
        if where.kind:
            query = query.where(audit_events.c.kind == where.kind)
        query = query.order_by(audit_events.c.position).limit(page.size + 1)
        records = await self._database.read(lambda connection: read_records(connection, query))
        if len(records) <= page.size:
            return records, ""
        records = records[: page.size]
        return records, make_cursor(listing, records[-1].position)

    async def records_after(
        self, position: int, limit: int, kinds: Collection[EventKind] = ()
    ) -> list[AuditRecord]:
        """At most limit records stored after a position, oldest first; of these kinds, where any
        are given. Raises StoreUnavailable."""
        query = _records_after(position, limit)
        if kinds:
            # Each kind by its own way through the index: among millions of signatures the few
            # changes of certificates are found at once.
            of_kinds = union_all(
                *(
                    select(_records_after(position, limit, kind).subquery())
                    for kind in sorted(kinds)
                )
            ).subquery()
            query = select(of_kinds).order_by(of_kinds.c.position).limit(limit)
        return await self._database.read(lambda connection: read_records(connection, query))

    async def last_position(self) -> int:
        """Position of the newest record; 0 when there is none. Raises StoreUnavailable."""
        query = select(func.coalesce(func.max(audit_events.c.position), 0))
        return await self._database.read(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    async def heads(self) -> dict[str, ChainHead]:
        """Length and last hash of every chain, by name. Raises StoreUnavailable."""
        return await self._database.read(_read_heads)

    async def iterate_chain(self, chain: str) -> AsyncIterator[AuditRecord]:
        """The records of a chain in their order, however many. Raises StoreUnavailable."""
        after = _BEFORE_ALL
        while True:
            _, records = await self._snapshot(chain, after, _CHUNK)
            for record in records:
                yield record
            if len(records) < _CHUNK:
                return
            after = records[-1].sequence

    async def verify(self) -> list[VerifyReport]:
        """Verify every chain, sorted by name; those without a head too. The daemon may go on
        writing meanwhile. Raises StoreUnavailable."""
        chains = await self._database.read(_read_chains)
        return [await self.verify_chain(chain) for chain in sorted(chains)]

    async def verify_chain(self, chain: str) -> VerifyReport:
        """Verify one chain against its head. Raises StoreUnavailable."""
        verifier = ChainVerifier(chain, EMPTY)
        after, size = _BEFORE_ALL, _CHUNK
        while True:
            try:
                head, records = await self._snapshot(chain, after, size)
            except StoreUnavailable as error:
                if error.reason != "STORE_CORRUPT":
                    raise
                if size == 1:
                    return verifier.unreadable(await self._position_after(chain, after))
                size = 1  # to name the one that cannot be read
                continue
            verifier.expect(head)
            for record in records:
                report = verifier.take(record)
                if report is not None:
                    return report
            if len(records) < size:
                return verifier.finish()
            after = records[-1].sequence

    async def _position_after(self, chain: str, after: int) -> int:
        query = (
            select(audit_events.c.position)
            .where(audit_events.c.chain == chain, audit_events.c.sequence > after)
            .order_by(audit_events.c.sequence)
            .limit(1)
        )
        return await self._database.read(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    async def _snapshot(
        self, chain: str, after: int, size: int
    ) -> tuple[ChainHead, list[AuditRecord]]:
        query = (
            SELECT_RECORD.where(audit_events.c.chain == chain, audit_events.c.sequence > after)
            .order_by(audit_events.c.sequence)
            .limit(size)
        )
        return await self._database.read(
            lambda connection: (
                _read_heads(connection).get(chain, EMPTY),
                read_records(connection, query),
            )
        )


def _records_after(position: int, limit: int, kind: EventKind | None = None) -> Select[Any]:
    query = SELECT_RECORD.where(audit_events.c.position > position)
    if kind is not None:
        query = query.where(audit_events.c.kind == kind.value)
    return query.order_by(audit_events.c.position).limit(limit)


def _read_heads(connection: Connection) -> dict[str, ChainHead]:
    rows = connection.execute(select(audit_heads))
    return {row.chain: ChainHead(row.length, row.head_hash) for row in rows}


def _read_chains(connection: Connection) -> set[str]:
    rows = connection.scalars(select(audit_events.c.chain).distinct())
    return set(rows) | set(_read_heads(connection))
