"""Audit records as rows."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, select

from signerd.audit.event import AuditEvent, AuditRecord, EventKind
from signerd.store.column import from_microseconds
from signerd.store.schema import audit_events
from signerd.store.stored import decoded, typed

SELECT_RECORD: Final[Select[Any]] = select(audit_events)
_decode_details: Final = msgspec.json.Decoder(dict[str, str]).decode


def read_records(connection: Connection, query: Select[Any]) -> list[AuditRecord]:
    """The records of a query made from SELECT_RECORD. Raises StoreUnavailable (STORE_CORRUPT)
    for one that the daemon cannot have written."""
    # Fetching decodes too.
    with decoded("the audit table"):
        return [_record_of(row) for row in connection.execute(query)]


def iterate_records(connection: Connection, query: Select[Any]) -> Iterator[AuditRecord]:
    """The same one by one, for whoever may stop at the first."""
    with decoded("the audit table"):
        for row in connection.execute(query):
            yield _record_of(row)


def _record_of(row: Row[Any]) -> AuditRecord:
    with decoded(f"audit record {row.position}"):
        return AuditRecord(
            event=AuditEvent(
                kind=EventKind(row.kind),
                time_utc=from_microseconds(typed(row.time_us, int)),
                principal=typed(row.principal, str),
                resource=typed(row.resource, str),
                request_id=typed(row.request_id, str),
                details=_decode_details(typed(row.details, str)),
            ),
            chain=typed(row.chain, str),
            sequence=typed(row.sequence, int),
            previous_hash=row.previous_hash,
            hash=row.hash,
            position=row.position,
        )
