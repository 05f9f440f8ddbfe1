"""Certificates: found, listed, suspended, resumed, revoked."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select, tuple_

from signerd.audit.event import AuditEvent
from signerd.core.error import Internal
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateState
from signerd.core.record import (
    CertificateChange,
    CertificateCount,
    CertificateFilter,
    CertificateRecord,
    Page,
    RequestKey,
)
from signerd.core.value import CertificateId
from signerd.store.certificate_row import (
    SELECT_CERTIFICATE,
    apply_change,
    certificate_of,
    read_certificate,
)
from signerd.store.column import from_microseconds, to_microseconds, utc_month
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.glob import matches_any
from signerd.store.outbox_row import announce
from signerd.store.request import find_request, remember_request
from signerd.store.schema import certificates
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction


class SqlCertificateStore:
    """`signerd.ca.ports.CertificateStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord:
        """See the port."""
        return await self._database.read(
            lambda connection: read_certificate(connection, certificate_id)
        )

    async def list_certificates(
        self, where: CertificateFilter, page: Page, now_utc: datetime
    ) -> tuple[list[CertificateRecord], str]:
        """See the port."""
        after = _read_place(where, page.cursor)
        return await self._database.read(
            lambda connection: _list(connection, where, page.size, after, now_utc)
        )

    async def find_certificates(
        self, certificate_ids: Collection[CertificateId]
    ) -> dict[CertificateId, CertificateRecord]:
        """See the port."""
        query = SELECT_CERTIFICATE.where(certificates.c.certificate_id.in_(certificate_ids))
        records = await self._database.read(
            lambda connection: [certificate_of(row) for row in connection.execute(query)]
        )
        return {record.certificate_id: record for record in records}

    async def count_certificates(
        self, where: CertificateFilter, now_utc: datetime
    ) -> list[CertificateCount]:
        """See the port."""
        return await self._database.read(lambda connection: _count(connection, where, now_utc))

    async def change_certificate(
        self,
        request: RequestKey | None,
        certificate_id: CertificateId,
        change: CertificateChange,
        event: AuditEvent,
    ) -> CertificateRecord:
        """See the port."""
        now = self._database.clock.now()

        def apply(transaction: Transaction) -> CertificateRecord:
            connection = transaction.connection
            if request is not None:
                known = find_request(connection, request)
                if known is not None and known.certificate is not None:
                    return read_certificate(connection, known.certificate)
                if known is not None:
                    raise Internal("a request id of a change belongs to an issuance")
            record = read_certificate(connection, certificate_id, for_update=True)
            apply_change(connection, record, change)
            if request is not None:
                remember_request(connection, request, now, certificate=certificate_id)
            transaction.record(event)
            announce(connection, event, record)
            reach(FaultPoint.STORE_CHANGE_UNCOMMITTED)
            return read_certificate(connection, certificate_id)

        return await self._database.write(apply)


def _list(
    connection: Connection,
    where: CertificateFilter,
    size: int,
    after: tuple[datetime, str] | None,
    now_utc: datetime,
) -> tuple[list[CertificateRecord], str]:
    key = tuple_(certificates.c.created_utc, certificates.c.certificate_id)
    query = SELECT_CERTIFICATE.where(*_conditions(where, now_utc))
    if after is not None:
        query = query.where(key < after)
    query = query.order_by(
        certificates.c.created_utc.desc(), certificates.c.certificate_id.desc()
    ).limit(size + 1)
    records = [certificate_of(row) for row in connection.execute(query)]
    if len(records) <= size:
        return records, ""
    last = records[size - 1]
    place = (to_microseconds(last.created_utc), last.certificate_id)
    return records[:size], make_cursor(["certificates", where], place)


def count_query(where: CertificateFilter, now_utc: datetime) -> Select[Any]:
    """Rows of state by the clock, profile, branch, month of expiry and how many there are."""
    columns = certificates.c
    is_over = and_(columns.state != CertificateState.REVOKED.value, columns.not_after_utc < now_utc)
    state = case((is_over, CertificateState.EXPIRED.value), else_=columns.state).label("now")
    month = utc_month(columns.not_after_utc).label("month")
    groups = (state, columns.profile, columns.branch, month)
    return (
        select(*groups, func.count().label("number"))
        .where(*_conditions(where, now_utc))
        # By name: the expressions hold parameters, of which SQL cannot know that they are equal.
        .group_by(*(group.name for group in groups))
        .order_by(*(group.name for group in groups))
    )


def _count(
    connection: Connection, where: CertificateFilter, now_utc: datetime
) -> list[CertificateCount]:
    with decoded("the certificate table"):
        return [
            CertificateCount(
                CertificateState(row.now), row.profile, row.branch, row.month, row.number
            )
            for row in connection.execute(count_query(where, now_utc))
        ]


def _read_place(where: CertificateFilter, cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    created_us, certificate_id = read_cursor(cursor, ["certificates", where], tuple[int, str])
    return from_microseconds(created_us), certificate_id


def _conditions(where: CertificateFilter, now_utc: datetime) -> Iterator[ColumnElement[bool]]:
    columns = certificates.c
    if where.subscriber is not None:
        yield columns.subscriber_id == where.subscriber
    if where.visible_subscribers is not None:
        yield matches_any(columns.subscriber_id, where.visible_subscribers)
    if where.expires_from_utc is not None:
        yield columns.not_after_utc >= where.expires_from_utc
    if where.expires_before_utc is not None:
        yield columns.not_after_utc < where.expires_before_utc
    # notAfter is the last moment of validity (RFC 5280, 4.1.2.5).
    match where.state:
        case CertificateState.REVOKED:
            yield columns.state == CertificateState.REVOKED.value
        case CertificateState.ACTIVE | CertificateState.SUSPENDED:
            yield columns.state == where.state.value
            yield columns.not_after_utc >= now_utc
        case CertificateState.EXPIRED:
            yield columns.state.in_(
                [CertificateState.ACTIVE.value, CertificateState.SUSPENDED.value]
            )
            yield columns.not_after_utc < now_utc
        case None:
            pass
