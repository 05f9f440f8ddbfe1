"""Single audit records, found by where they stand or by the signature they are of."""

from typing import Final

from sqlalchemy import ColumnElement, func, select

from signerd.audit.event import AuditRecord, EventKind
from signerd.audit.signature import SignatureDetail
from signerd.core.error import NotFound
from signerd.store.audit_row import SELECT_RECORD, iterate_records, read_records
from signerd.store.database import Database
from signerd.store.schema import audit_events

# Positions looked through in one query: it keeps one of few reading threads busy.
_WINDOW: Final = 20_000


class SqlAuditFinder:
    """`signerd.proof.ports.RecordFinder` in SQL.

    No index has signatures by their digest: it would cost every signature half as much writing
    again. A credential's own are found by the index of resources.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def at_position(self, position: int) -> AuditRecord:
        """See the port."""
        query = SELECT_RECORD.where(audit_events.c.position == position)
        found = await self._database.read(lambda connection: read_records(connection, query))
        if not found:
            raise NotFound(f"there is no audit record at position {position}")
        return found[0]

    async def of_credential(self, resource: str, wanted: SignatureDetail) -> AuditRecord | None:
        """See the port."""
        return await self._first(wanted, audit_events.c.resource == resource)

    async def before(
        self, position: int | None, wanted: SignatureDetail
    ) -> tuple[AuditRecord | None, int]:
        """See the port."""
        if position is None:
            query = select(func.coalesce(func.max(audit_events.c.position), 0))
            newest = await self._database.read(lambda connection: connection.scalar(query))
            position = int(newest or 0) + 1
        begin = max(position - _WINDOW, 0)
        columns = audit_events.c
        found = await self._first(wanted, columns.position >= begin, columns.position < position)
        return found, begin

    async def _first(
        self, wanted: SignatureDetail, *where: ColumnElement[bool]
    ) -> AuditRecord | None:
        """The hash may stand in another detail too: somebody may sign the hash of a signature."""
        query = SELECT_RECORD.where(
            *where,
            audit_events.c.kind == EventKind.SIGNATURE_CREATED.value,
            audit_events.c.details.contains(wanted.digits, autoescape=True),
        ).order_by(audit_events.c.position)
        return await self._database.read(
            lambda connection: next(
                (it for it in iterate_records(connection, query) if wanted.is_in(it.event)), None
            )
        )
