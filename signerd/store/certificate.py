"""Certificates: found, listed, revoked."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, tuple_

from signerd.audit.event import AuditEvent
from signerd.core.error import Internal
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import CertificateFilter, CertificateRecord, Page, RequestKey
from signerd.core.value import CertificateId
from signerd.store.certificate_row import (
    SELECT_CERTIFICATE,
    certificate_of,
    end_certificate,
    read_certificate,
)
from signerd.store.column import from_microseconds, to_microseconds
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.glob import matches_any
from signerd.store.request import find_request, remember_request
from signerd.store.schema import certificates
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

    async def revoke_certificate(
        self,
        request: RequestKey,
        certificate_id: CertificateId,
        reason: RevocationReason,
        revoked_utc: datetime,
        event: AuditEvent,
    ) -> CertificateRecord:
        """See the port."""
        now = self._database.clock.now()

        def revoke(transaction: Transaction) -> CertificateRecord:
            connection = transaction.connection
            known = find_request(connection, request)
            if known is not None and known.certificate is not None:
                return read_certificate(connection, known.certificate)
            if known is not None:
                raise Internal("a request id of a revocation belongs to an issuance")
            record = read_certificate(connection, certificate_id, for_update=True)
            end_certificate(connection, record, reason, revoked_utc)
            remember_request(connection, request, now, certificate=certificate_id)
            transaction.record(event)
            return read_certificate(connection, certificate_id)

        return await self._database.write(revoke)


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
    match where.state:
        case CertificateState.REVOKED:
            yield columns.state == CertificateState.REVOKED.value
        # notAfter is the last moment of validity (RFC 5280, 4.1.2.5).
        case CertificateState.ACTIVE:
            yield columns.state == CertificateState.ACTIVE.value
            yield columns.not_after_utc >= now_utc
        case CertificateState.EXPIRED:
            yield columns.state == CertificateState.ACTIVE.value
            yield columns.not_after_utc < now_utc
        case None:
            pass
