"""Certificates as rows."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, insert, select, update

from signerd.core.error import NotFound, WrongState
from signerd.core.lifecycle import CertificateState, CredentialState, RevocationReason
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId
from signerd.store.credential_row import move_credential
from signerd.store.schema import certificates
from signerd.store.stored import (
    algorithm_from_text,
    decoded,
    subject_from_text,
    subject_to_text,
)

_successors: Final = certificates.alias("successors")

SELECT_CERTIFICATE: Final[Select[Any]] = select(
    certificates, _successors.c.certificate_id.label("replaced_by")
).select_from(
    certificates.outerjoin(_successors, _successors.c.replaces == certificates.c.certificate_id)
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
            revoked_utc=row.revoked_utc,
            revocation_reason=None if reason is None else RevocationReason(reason),
            replaces=row.replaces,
            replaced_by=row.replaced_by,
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
            replaces=record.replaces,
        )
    )


def require_active(record: CertificateRecord) -> None:
    """Raises WrongState (CERTIFICATE_NOT_ACTIVE)."""
    if record.state is CertificateState.ACTIVE:
        return
    what = (
        "was revoked"
        if record.replaced_by is None
        else f"was replaced by certificate {record.replaced_by}"
    )
    raise WrongState(
        f"certificate {record.certificate_id} {what}; this needs an active certificate",
        reason="CERTIFICATE_NOT_ACTIVE",
    )


def end_certificate(
    connection: Connection,
    record: CertificateRecord,
    reason: RevocationReason,
    revoked_utc: datetime,
) -> None:
    """ACTIVE -> REVOKED, and its credential RETIRED: from the commit on nobody signs with it.

    Raises WrongState (CERTIFICATE_NOT_ACTIVE) for the state in the record, which must have been
    read for update in the same transaction.
    """
    require_active(record)
    connection.execute(
        update(certificates)
        .where(certificates.c.certificate_id == record.certificate_id)
        .values(
            state=CertificateState.REVOKED.value,
            revoked_utc=revoked_utc,
            revocation_reason=int(reason),
        )
    )
    if record.credential is not None:
        move_credential(
            connection, record.credential, CredentialState.ACTIVE, CredentialState.RETIRED
        )
