"""Enrolments as rows."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, select

from signerd.core.activation import Activation
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import NotFound
from signerd.core.evidence import (
    AuthorisationRecord,
    CodeRecord,
    EnrolmentPurpose,
    Factor,
    Failures,
)
from signerd.core.value import EnrolmentId
from signerd.store.schema import enrolments
from signerd.store.stored import algorithm_from_text, decoded

SELECT_ENROLMENT: Final[Select[Any]] = select(enrolments)

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode_codes: Final = msgspec.json.Decoder(dict[Factor, CodeRecord]).decode
_decode_authorisation: Final = msgspec.json.Decoder(AuthorisationRecord).decode


def columns_of(record: EnrolmentRecord) -> dict[str, object]:
    """All columns."""
    authorisation = record.authorisation
    return {
        "enrolment_id": record.enrolment,
        "subscriber_id": record.subscriber,
        "purpose": record.purpose.value,
        "state": record.state.value,
        "support_reference": record.support_reference,
        "opened_utc": record.opened_utc,
        "expires_utc": record.expires_utc,
        "profile": record.profile,
        "algorithm": None if record.algorithm is None else record.algorithm.value,
        "key_group": record.key_group,
        "activation": record.activation.value,
        "old_certificate": record.old_certificate,
        "certificate_id": record.certificate,
        "proven": " ".join(sorted(record.proven)),
        "failures": record.failures.count,
        "release_utc": record.failures.release_utc,
        "codes": _encode(record.codes).decode(),
        "reference_mac": None if authorisation is None else authorisation.reference_mac,
        "authorisation": None if authorisation is None else _encode(authorisation).decode(),
        "claim_principal": record.claimer[0],
        "claim_request_id": record.claimer[1],
    }


def enrolment_of(row: Row[Any]) -> EnrolmentRecord:
    """The record in a row of SELECT_ENROLMENT. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"enrolment {row.enrolment_id}"):
        return EnrolmentRecord(
            enrolment=row.enrolment_id,
            subscriber=row.subscriber_id,
            purpose=EnrolmentPurpose(row.purpose),
            state=EnrolmentState(row.state),
            support_reference=row.support_reference,
            opened_utc=row.opened_utc,
            expires_utc=row.expires_utc,
            profile=row.profile,
            algorithm=algorithm_from_text(row.algorithm),
            key_group=row.key_group,
            activation=Activation(row.activation),
            old_certificate=row.old_certificate,
            certificate=row.certificate_id,
            proven=frozenset(map(Factor, row.proven.split())),
            failures=Failures(row.failures, row.release_utc),
            codes=_decode_codes(row.codes),
            authorisation=None
            if row.authorisation is None
            else _decode_authorisation(row.authorisation),
            claimer=(row.claim_principal, row.claim_request_id),
        )


def read_enrolment(
    connection: Connection, enrolment: EnrolmentId, *, for_update: bool = False
) -> EnrolmentRecord:
    """An enrolment as it stands. Raises NotFound, StoreUnavailable (STORE_CORRUPT)."""
    query = SELECT_ENROLMENT.where(enrolments.c.enrolment_id == enrolment)
    if for_update:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no enrolment {enrolment}; open one first")
    return enrolment_of(row)
