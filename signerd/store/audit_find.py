"""Single audit records, found by where they stand or by the signature they are of."""

from typing import Any, Final

from sqlalchemy import Select, func, select

from signerd.audit.event import AuditRecord, EventKind
from signerd.core.error import NotFound
from signerd.store.audit_row import SELECT_RECORD, read_records
from signerd.store.database import Database
from signerd.store.schema import audit_events

# Positions looked through in one query: it keeps one of few reading threads busy.
_WINDOW: Final = 20_000
_SIGNED: Final = audit_events.c.kind == EventKind.SIGNATURE_CREATED.value


class SqlAuditFinder:
    """`signerd.proof.ports.RecordFinder` in SQL.

    No index has signatures by their digest: it would cost every signature half as much writing
    again. A credential's own are found by the index of resources.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def at_position(self, position: int) -> AuditRecord:
        """See the port."""
        found = await self._first(SELECT_RECORD.where(audit_events.c.position == position))
        if found is None:
            raise NotFound(f"there is no audit record at position {position}")
        return found

    async def of_credential(self, resource: str, detail: str, value: str) -> AuditRecord | None:
        """See the port."""
        query = (
            SELECT_RECORD.where(audit_events.c.resource == resource, _SIGNED, _has(detail, value))
            .order_by(audit_events.c.position)
            .limit(1)
        )
        return await self._first(query)

    async def before(
        self, position: int | None, detail: str, value: str
    ) -> tuple[AuditRecord | None, int]:
        """See the port."""
        if position is None:
            query = select(func.coalesce(func.max(audit_events.c.position), 0))
            newest = await self._database.read(lambda connection: connection.scalar(query))
            position = int(newest or 0) + 1
        begin = max(position - _WINDOW, 0)
        query = (
            SELECT_RECORD.where(
                audit_events.c.position >= begin,
                audit_events.c.position < position,
                _SIGNED,
                _has(detail, value),
            )
            .order_by(audit_events.c.position)
            .limit(1)
        )
        return await self._first(query), begin

    async def _first(self, query: Select[Any]) -> AuditRecord | None:
        records = await self._database.read(lambda connection: read_records(connection, query))
        return next(iter(records), None)


def _has(detail: str, value: str) -> Any:
    """Details are kept as JSON without blanks."""
    return audit_events.c.details.contains(f'"{detail}":"{value}"', autoescape=True)
