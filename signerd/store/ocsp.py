"""What OCSP says: states of certificates, and the responses signed ahead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)

from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.status import CertificateStatus, OcspRecord
from signerd.core.value import certificate_id_of
from signerd.store.column import UtcMicroseconds
from signerd.store.database import Database
from signerd.store.schema import certificates, ocsp_responses
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction

# Since when a certificate is revoked or suspended; NULL while it is neither.
_SINCE: Final[ColumnElement[Any]] = func.coalesce(
    certificates.c.revoked_utc, certificates.c.suspended_utc, type_=UtcMicroseconds
)
_STATUS: Final[Select[Any]] = select(
    certificates.c.certificate_id,
    certificates.c.state,
    _SINCE.label("since_utc"),
    certificates.c.revocation_reason,
    ocsp_responses.c.state.label("said_state"),
    ocsp_responses.c.this_update_utc,
    ocsp_responses.c.next_update_utc,
    ocsp_responses.c.der,
).select_from(
    certificates.outerjoin(
        ocsp_responses, ocsp_responses.c.certificate_id == certificates.c.certificate_id
    )
)
_BY_ID: Final = _STATUS.where(certificates.c.certificate_id == bindparam("wanted"))
_IS_STALE: Final = or_(
    ocsp_responses.c.certificate_id.is_(None),
    ocsp_responses.c.state != certificates.c.state,
    # Of an earlier suspension.
    ocsp_responses.c.this_update_utc <= _SINCE,
    ocsp_responses.c.next_update_utc < bindparam("renew_before"),
)
_TO_SIGN: Final = _STATUS.where(certificates.c.not_after_utc >= bindparam("now"), _IS_STALE).limit(
    bindparam("most")
)


class SqlOcspStore:
    """`signerd.ca.ports.OcspStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_status(self, serial: int) -> CertificateStatus | None:
        """See the port."""
        wanted = {"wanted": certificate_id_of(serial)}
        row = await self._database.read(
            lambda connection: connection.execute(_BY_ID, wanted).one_or_none()
        )
        return None if row is None else _status_of(row)

    async def list_to_sign(
        self, now_utc: datetime, renew_before_utc: datetime, limit: int
    ) -> list[CertificateStatus]:
        """See the port."""
        values = {"now": now_utc, "renew_before": renew_before_utc, "most": limit}

        def read(connection: Connection) -> list[CertificateStatus]:
            return [_status_of(row) for row in connection.execute(_TO_SIGN, values)]

        return await self._database.read(read)

    async def save_responses(self, records: Sequence[OcspRecord]) -> None:
        """See the port."""

        def save(transaction: Transaction) -> None:
            connection = transaction.connection
            known = [record.certificate_id for record in records]
            connection.execute(
                delete(ocsp_responses).where(ocsp_responses.c.certificate_id.in_(known))
            )
            connection.execute(insert(ocsp_responses), [_row_of(record) for record in records])

        await self._database.write(save)

    async def forget_responses(self, expired_before_utc: datetime) -> int:
        """See the port."""
        over = select(certificates.c.certificate_id).where(
            certificates.c.not_after_utc < expired_before_utc
        )
        gone = delete(ocsp_responses).where(
            ocsp_responses.c.next_update_utc < expired_before_utc,
            ocsp_responses.c.certificate_id.in_(over),
        )
        return await self._database.write(
            lambda transaction: transaction.connection.execute(gone).rowcount
        )


def _status_of(row: Row[Any]) -> CertificateStatus:
    with decoded(f"the state of certificate {row.certificate_id}"):
        state = CertificateState(row.state)
        reason = row.revocation_reason
        return CertificateStatus(
            certificate_id=row.certificate_id,
            state=state,
            since_utc=row.since_utc,
            reason=None if reason is None else RevocationReason(reason),
            response=_response_of(row) if row.said_state == row.state else None,
        )


def _response_of(row: Row[Any]) -> OcspRecord | None:
    """A response of an earlier suspension names another time."""
    if row.since_utc is not None and row.this_update_utc <= row.since_utc:
        return None
    return OcspRecord(
        certificate_id=row.certificate_id,
        state=CertificateState(row.said_state),
        this_update_utc=row.this_update_utc,
        next_update_utc=row.next_update_utc,
        der=row.der,
    )


def _row_of(record: OcspRecord) -> dict[str, object]:
    return {
        "certificate_id": record.certificate_id,
        "state": record.state.value,
        "this_update_utc": record.this_update_utc,
        "next_update_utc": record.next_update_utc,
        "der": record.der,
    }
