"""The audit trail: appended, listed, followed, verified."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, select, union_all

from signerd.audit.chain import ChainHead
from signerd.audit.event import AuditEvent, AuditFilter, AuditRecord, EventKind
from signerd.audit.verify import VerifyReport
from signerd.core.record import Page
from signerd.store.audit_row import SELECT_RECORD, read_records
from signerd.store.audit_walk import ChainWalk, read_chains, read_heads
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.schema import audit_events
from signerd.store.transaction import Transaction


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
        return await self._database.read(read_heads)

    async def chains(self) -> list[str]:
        """The names of all chains, sorted; those without a head too. Raises StoreUnavailable."""
        return sorted(await self._database.read(read_chains))

    def walk(self, chain: str) -> ChainWalk:
        """A chain to be verified in portions."""
        return ChainWalk(self._database, chain)

    async def verify(self) -> list[VerifyReport]:
        """Verify every chain against its head, sorted by name. The daemon may go on writing
        meanwhile. Raises StoreUnavailable."""
        return [await self.walk(chain).finish() for chain in await self.chains()]


def _records_after(position: int, limit: int, kind: EventKind | None = None) -> Select[Any]:
    query = SELECT_RECORD.where(audit_events.c.position > position)
    if kind is not None:
        query = query.where(audit_events.c.kind == kind.value)
    return query.order_by(audit_events.c.position).limit(limit)
