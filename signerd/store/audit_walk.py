"""A chain verified in portions."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, func, select

from signerd.audit.chain import EMPTY, ChainHead
from signerd.audit.event import AuditRecord
from signerd.audit.verify import ChainVerifier, VerifyReport
from signerd.core.error import StoreUnavailable
from signerd.store.audit_row import SELECT_RECORD, read_records
from signerd.store.database import Database
from signerd.store.schema import audit_events, audit_heads

# Records read in one snapshot: a longer one would keep SQLite from shortening its log.
CHUNK: Final = 1000
BEFORE_ALL: Final = -(1 << 63)
_LAST: Final = (1 << 63) - 1


class ChainWalk:
    """Goes along one chain, in as many steps as wanted, and stops for good at its first bad record.

    The daemon may go on writing meanwhile. Methods raise StoreUnavailable.
    """

    def __init__(self, database: Database, chain: str) -> None:
        self._database = database
        self._chain = chain
        self._verifier = ChainVerifier(chain, EMPTY)
        self._after = BEFORE_ALL
        self.report: VerifyReport | None = None

    @property
    def head(self) -> ChainHead:
        """How far the records reach that were found good."""
        return self._verifier.head

    def require(self, head: ChainHead) -> None:
        """The chain has to reach this far, whatever the database says of its length."""
        self._verifier.require(head.length)

    async def advance(
        self, until: int = _LAST, confirm: Callable[[AuditRecord], bool] = lambda _: True
    ) -> None:
        """Verify the records up to this number. confirm: says of each, in order, whether it is the
        one that was signed."""
        size = CHUNK
        while self.report is None and self._after < until:
            try:
                head, records = await self._snapshot(until, size)
            except StoreUnavailable as error:
                if error.reason != "STORE_CORRUPT":
                    raise
                if size == 1:
                    self.report = self._verifier.unreadable(await self._next_position())
                size = 1  # to name the one that cannot be read
                continue
            self._verifier.expect(head)
            for record in records:
                self.report = self._verifier.take(record)
                if self.report is None and not confirm(record):
                    self.report = self._verifier.unconfirmed(record)
                if self.report is not None:
                    return
            if records:
                self._after = records[-1].sequence
            if len(records) < size:
                return

    async def finish(self) -> VerifyReport:
        """Verify what is left, and the head."""
        await self.advance()
        self.report = self.report or self._verifier.finish()
        return self.report

    async def _next_position(self) -> int:
        query = (
            select(audit_events.c.position)
            .where(audit_events.c.chain == self._chain, audit_events.c.sequence > self._after)
            .order_by(audit_events.c.sequence)
            .limit(1)
        )
        return await self._database.read(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    async def _snapshot(self, until: int, size: int) -> tuple[ChainHead, list[AuditRecord]]:
        query = (
            SELECT_RECORD.where(
                audit_events.c.chain == self._chain,
                audit_events.c.sequence > self._after,
                audit_events.c.sequence <= until,
            )
            .order_by(audit_events.c.sequence)
            .limit(size)
        )
        return await self._database.read(
            lambda connection: (
                read_heads(connection).get(self._chain, EMPTY),
                read_records(connection, query),
            )
        )


def read_heads(connection: Connection) -> dict[str, ChainHead]:
    """Length and last hash of every chain, by name."""
    rows = connection.execute(select(audit_heads))
    return {row.chain: ChainHead(row.length, row.head_hash) for row in rows}


def read_chains(connection: Connection) -> set[str]:
    """The names of all chains, those without a head too."""
    # Each by its own way through the index: the table may have millions of records.
    names: set[str] = set(read_heads(connection))
    name = connection.scalar(select(func.min(audit_events.c.chain)))
    while name is not None:
        names.add(name)
        name = connection.scalar(
            select(func.min(audit_events.c.chain)).where(audit_events.c.chain > name)
        )
    return names
