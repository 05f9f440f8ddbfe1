"""CRLs: their numbers, what they list, the signed ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from signerd.audit.event import AuditEvent
from signerd.core.error import NotFound
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import RevokedEntry
from signerd.core.status import CrlDraft, CrlIssuer, CrlRecord, CrlStanding
from signerd.store.database import Database
from signerd.store.schema import certificates, crl_sequence, crls
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction

# For those who look at what was published a moment ago; nothing here reads them again.
_KEPT_NUMBERS: Final = 3
_KEPT_BASES: Final = 2

_TIMES: Final[Select[Any]] = select(
    crls.c.name,
    crls.c.crl_number,
    crls.c.base_number,
    crls.c.is_base,
    crls.c.this_update_utc,
    crls.c.next_update_utc,
)
_ENTRIES: Final[Select[Any]] = select(
    certificates.c.certificate_id,
    certificates.c.state,
    certificates.c.revoked_utc,
    certificates.c.revocation_reason,
    certificates.c.suspended_utc,
)
_LISTED: Final = certificates.c.state.in_(
    [CertificateState.SUSPENDED.value, CertificateState.REVOKED.value]
)


class SqlCrlStore:
    """`signerd.ca.ports.CrlStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def crl_standing(self, issuer: CrlIssuer) -> CrlStanding:
        """See the port."""
        return await self._database.read(lambda connection: _standing(connection, issuer))

    async def read_crl(self, issuer: CrlIssuer, number: int, base_number: int | None) -> CrlRecord:
        """See the port."""
        query = _TIMES.add_columns(crls.c.der).where(
            crls.c.name == issuer.value,
            crls.c.crl_number == number,
            crls.c.base_number == (base_number or 0),
        )
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"CRL {number} of {issuer} is no longer kept; read the newest")
        return _record_of(row, row.der)

    async def open_crl(self, issuer: CrlIssuer, now_utc: datetime) -> CrlDraft:
        """See the port.

        The lists are read after the number is taken, without keeping writers waiting: they hold
        every change that was told this number, and may hold some that were told the next.
        """
        number = await self._database.write(lambda transaction: _take_number(transaction, issuer))
        return await self._database.read(
            lambda connection: _draft(connection, issuer, number, now_utc)
        )

    async def save_crls(self, records: Sequence[CrlRecord], event: AuditEvent) -> None:
        """See the port."""

        def save(transaction: Transaction) -> None:
            connection = transaction.connection
            connection.execute(insert(crls), [_row_of(record) for record in records])
            _forget_old(connection, records[0].issuer)
            transaction.record(event)
            reach(FaultPoint.STORE_CRL_UNCOMMITTED)

        await self._database.write(save)


def _standing(connection: Connection, issuer: CrlIssuer) -> CrlStanding:
    rows = connection.execute(
        _TIMES.where(crls.c.name == issuer.value).order_by(crls.c.crl_number.desc())
    )
    records = [_record_of(row, b"") for row in rows]
    full = _first(it for it in records if it.base_number is None)
    newest = 0 if full is None else full.number
    changed = connection.scalar(select(func.max(certificates.c.crl_number))) or 0
    return CrlStanding(
        full=full,
        base=_first(it for it in records if it.is_base),
        delta=_first(it for it in records if it.base_number is not None),
        is_change_waiting=issuer is CrlIssuer.ISSUING and changed > newest,
    )


def _first(records: Iterable[CrlRecord]) -> CrlRecord | None:
    return next(iter(records), None)


def _take_number(transaction: Transaction, issuer: CrlIssuer) -> int:
    query = select(crl_sequence.c.next_number).where(crl_sequence.c.name == issuer.value)
    number = int(transaction.connection.execute(query.with_for_update()).scalar_one())
    transaction.connection.execute(
        update(crl_sequence)
        .where(crl_sequence.c.name == issuer.value)
        .values(next_number=number + 1)
    )
    return number


def _draft(connection: Connection, issuer: CrlIssuer, number: int, now_utc: datetime) -> CrlDraft:
    if issuer is not CrlIssuer.ISSUING:
        return CrlDraft(number, ())
    base = _standing(connection, issuer).base
    base_number, since = (0, now_utc) if base is None else (base.number, base.this_update_utc)
    is_new = certificates.c.crl_number > base_number
    # RFC 5280, 3.3: what has expired is listed until a CRL made after the expiry has shown it;
    # intermediate ones, which few may have seen, do not count.
    is_listed = and_(_LISTED, or_(certificates.c.not_after_utc >= since, is_new))
    return CrlDraft(
        number=number,
        entries=_entries(connection, is_listed, now_utc),
        base_number=None if base is None else base.number,
        changes=() if base is None else _entries(connection, is_new, now_utc),
    )


def _entries(
    connection: Connection, condition: ColumnElement[bool], now_utc: datetime
) -> tuple[RevokedEntry, ...]:
    query = _ENTRIES.where(condition).order_by(certificates.c.certificate_id)
    with decoded("the certificate table"):
        return tuple(_entry_of(row, now_utc) for row in connection.execute(query))


def _entry_of(row: Row[Any], now_utc: datetime) -> RevokedEntry:
    serial = int(row.certificate_id, 16)
    match CertificateState(row.state):
        case CertificateState.REVOKED:
            return RevokedEntry(serial, row.revoked_utc, RevocationReason(row.revocation_reason))
        case CertificateState.SUSPENDED:
            return RevokedEntry(serial, row.suspended_utc, RevocationReason.CERTIFICATE_HOLD)
        case _:
            return RevokedEntry(serial, now_utc, None)


def _record_of(row: Row[Any], der: bytes) -> CrlRecord:
    with decoded("the table of CRLs"):
        return CrlRecord(
            issuer=CrlIssuer(row.name),
            number=row.crl_number,
            base_number=row.base_number or None,
            is_base=row.is_base,
            this_update_utc=row.this_update_utc,
            next_update_utc=row.next_update_utc,
            der=der,
        )


def _row_of(record: CrlRecord) -> dict[str, object]:
    return {
        "name": record.issuer.value,
        "crl_number": record.number,
        "base_number": record.base_number or 0,
        "is_base": record.is_base,
        "this_update_utc": record.this_update_utc,
        "next_update_utc": record.next_update_utc,
        "der": record.der,
    }


def _forget_old(connection: Connection, issuer: CrlIssuer) -> None:
    is_own = crls.c.name == issuer.value
    newest = select(crls.c.crl_number).where(is_own).order_by(crls.c.crl_number.desc())
    kept = [
        *connection.scalars(newest.distinct().limit(_KEPT_NUMBERS)),
        *connection.scalars(newest.where(crls.c.is_base).limit(_KEPT_BASES)),
    ]
    connection.execute(delete(crls).where(is_own, crls.c.crl_number.not_in(kept)))
