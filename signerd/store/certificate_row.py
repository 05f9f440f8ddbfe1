"""Certificates as rows."""

from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, insert, select, update

from signerd.core.activation import Activation
from signerd.core.error import Internal, NotFound
from signerd.core.lifecycle import CertificateState, CredentialState, RevocationReason
from signerd.core.record import CertificateChange, CertificateRecord
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId
from signerd.store.credential_row import move_credential
from signerd.store.schema import certificates, crl_sequence, suspensions
from signerd.store.stored import (
    algorithm_from_text,
    decoded,
    identity_from_row,
    identity_to_columns,
    subject_from_text,
    subject_to_text,
)

_successors: Final = certificates.alias("successors")

SELECT_CERTIFICATE: Final[Select[Any]] = select(
    certificates, _successors.c.certificate_id.label("replaced_by")
).select_from(
    certificates.outerjoin(_successors, _successors.c.replaces == certificates.c.certificate_id)
)

_CREDENTIAL_STATES: Final = MappingProxyType(
    {
        CertificateState.ACTIVE: CredentialState.ACTIVE,
        CertificateState.SUSPENDED: CredentialState.SUSPENDED,
        CertificateState.REVOKED: CredentialState.RETIRED,
    }
)


def certificate_of(row: Row[Any]) -> CertificateRecord:
    """The record in a row of SELECT_CERTIFICATE. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"certificate {row.certificate_id}"):
        reason = row.revocation_reason
        return CertificateRecord(
            certificate_id=row.certificate_id,
            subscriber=row.subscriber_id,
            credential=row.credential_id,
            profile=row.profile,
            state=CertificateState(row.state),
            subject=row.subject,
            subject_record=subject_from_text(row.subject_record),
            not_before_utc=row.not_before_utc,
            not_after_utc=row.not_after_utc,
            created_utc=row.created_utc,
            algorithm=algorithm_from_text(row.algorithm),
            der=row.der,
            key_group=row.key_group,
            activation=Activation(row.activation),
            revoked_utc=row.revoked_utc,
            revocation_reason=None if reason is None else RevocationReason(reason),
            replaces=row.replaces,
            replaced_by=row.replaced_by,
            suspended_utc=row.suspended_utc,
            suspension_limit_utc=row.suspension_limit_utc,
            crl_number=row.crl_number,
            identity=identity_from_row(row),
        )


def read_certificate(
    connection: Connection, certificate_id: CertificateId, *, for_update: bool = False
) -> CertificateRecord:
    """Raises NotFound and StoreUnavailable (STORE_CORRUPT)."""
    query = SELECT_CERTIFICATE.where(certificates.c.certificate_id == certificate_id)
    if for_update:
        query = query.with_for_update(of=certificates)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no certificate {certificate_id}; its name is its serial number in "
            "lower-case hexadecimal"
        )
    return certificate_of(row)


def insert_certificate(connection: Connection, record: CertificateRecord) -> None:
    """Store a new certificate."""
    connection.execute(
        insert(certificates).values(
            certificate_id=record.certificate_id,
            subscriber_id=record.subscriber,
            credential_id=record.credential,
            profile=record.profile,
            state=CertificateState.ACTIVE.value,
            subject=record.subject,
            subject_record=subject_to_text(record.subject_record),
            not_before_utc=record.not_before_utc,
            not_after_utc=record.not_after_utc,
            created_utc=record.created_utc,
            algorithm=None if record.algorithm is None else record.algorithm.value,
            der=record.der,
            key_group=record.key_group,
            activation=record.activation.value,
            branch=record.subject_record.branch,
            **identity_to_columns(record.identity),
            replaces=record.replaces,
        )
    )


def apply_change(
    connection: Connection, record: CertificateRecord, change: CertificateChange
) -> None:
    """Bring a certificate into the state after an act, and its credential with it: from the commit
    on everybody signs, or refuses to, accordingly. The CRL that will show it is noted.

    The record must have been read for update in the same transaction. Raises WrongState as
    `next_state`.
    """
    after = next_state(record, change.act, change.time_utc)
    is_suspended = after is CertificateState.SUSPENDED
    is_revoked = after is CertificateState.REVOKED
    if (is_suspended, is_revoked) != (change.limit_utc is not None, change.reason is not None):
        raise Internal(f"to {change.act} a certificate comes with what belongs to another act")
    connection.execute(
        update(certificates)
        .where(certificates.c.certificate_id == record.certificate_id)
        .values(
            state=after.value,
            suspended_utc=change.time_utc if is_suspended else None,
            suspension_limit_utc=change.limit_utc,
            revoked_utc=change.time_utc if is_revoked else None,
            revocation_reason=None if change.reason is None else int(change.reason),
            crl_number=_next_crl_number(connection),
        )
    )
    _note_suspension(connection, record, change, is_suspended=is_suspended)
    if record.credential is not None and not move_credential(
        connection, record.credential, _CREDENTIAL_STATES[record.state], _CREDENTIAL_STATES[after]
    ):
        raise Internal(f"the credential of {record.certificate_id} is not in its state")


def _note_suspension(
    connection: Connection,
    record: CertificateRecord,
    change: CertificateChange,
    *,
    is_suspended: bool,
) -> None:
    if is_suspended:
        connection.execute(
            insert(suspensions).values(
                certificate_id=record.certificate_id, begin_utc=change.time_utc
            )
        )
    elif record.state is CertificateState.SUSPENDED:
        connection.execute(
            update(suspensions)
            .where(
                suspensions.c.certificate_id == record.certificate_id,
                suspensions.c.end_utc.is_(None),
            )
            .values(end_utc=change.time_utc)
        )


def _next_crl_number(connection: Connection) -> int:
    """Of the CRL that will show a change made in this transaction: making one raises it."""
    query = select(crl_sequence.c.next_number).where(crl_sequence.c.name == "issuing")
    return int(connection.execute(query.with_for_update()).scalar_one())
