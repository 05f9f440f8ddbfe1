"""The issuance journal as rows."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, exists, insert, select

from signerd.core.activation import Activation
from signerd.core.clock import AHEAD
from signerd.core.error import NotFound
from signerd.core.lifecycle import CertificateAct, IssuanceState
from signerd.core.record import IssuanceDraft, IssuanceRecord, RequestKey
from signerd.core.value import (
    CertificateId,
    CredentialId,
    IssuanceId,
    KeyRef,
    TokenRef,
    certificate_id_of,
)
from signerd.store.credential_row import made_key_of
from signerd.store.schema import credentials, instances, issuances, tokens
from signerd.store.stored import (
    algorithm_from_text,
    decoded,
    identity_from_row,
    identity_to_columns,
    subject_from_text,
    subject_to_text,
)

ALIVE_FOR: Final = timedelta(seconds=5)
"""An instance whose last beat is older than this counts as dead."""

_OPEN: Final = (IssuanceState.RESERVED.value, IssuanceState.INTENT.value)

SELECT_ISSUANCE: Final[Select[Any]] = select(
    issuances,
    credentials.c.cka_id,
    credentials.c.spki,
    credentials.c.is_local,
    credentials.c.is_always_sensitive,
    credentials.c.is_never_extractable,
    tokens.c.label.label("token_label"),
    tokens.c.serial.label("token_serial"),
    instances.c.beat_utc,
    instances.c.ended_utc,
).select_from(
    issuances.outerjoin(credentials, credentials.c.credential_id == issuances.c.credential_id)
    .outerjoin(tokens, tokens.c.token_id == credentials.c.token_id)
    .outerjoin(instances, instances.c.instance_id == issuances.c.owner)
)


def is_open() -> ColumnElement[bool]:
    """The issuance is not at its end."""
    return issuances.c.state.in_(_OPEN)


def owner_is_alive(
    now_utc: datetime, owner: Column[str] = issuances.c.owner
) -> ColumnElement[bool]:
    """The process that owns the issuance, or other work, gave a sign of life lately."""
    return (
        exists()
        .where(
            instances.c.instance_id == owner,
            instances.c.ended_utc.is_(None),
            instances.c.beat_utc > now_utc - ALIVE_FOR,
            instances.c.beat_utc < now_utc + AHEAD,
        )
        # Callers may have joined instances themselves.
        .correlate(owner.table)
    )


def issuance_of(row: Row[Any], now_utc: datetime) -> IssuanceRecord:
    """The record in a row of SELECT_ISSUANCE. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"issuance {row.issuance_id}"):
        state = IssuanceState(row.state)
        is_issued = state is IssuanceState.ISSUED
        return IssuanceRecord(
            draft=_draft_of(row),
            state=state,
            owner=row.owner,
            owner_alive=row.ended_utc is None and _is_fresh(row.beat_utc, now_utc),
            key=_key_of(row),
            spki=row.csr_spki or row.spki,
            tbs=row.tbs,
            certificate=CertificateId(row.certificate_id) if is_issued else None,
            refusal_reason=row.refusal_reason,
            refusal_message=row.refusal_message,
            running_number=row.running_number,
            made_key=made_key_of(row),
        )


def read_issuance(
    connection: Connection, issuance_id: IssuanceId, now_utc: datetime
) -> IssuanceRecord:
    """Raises NotFound and StoreUnavailable (STORE_CORRUPT)."""
    row = connection.execute(
        SELECT_ISSUANCE.where(issuances.c.issuance_id == issuance_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no issuance {issuance_id}")
    return issuance_of(row, now_utc)


def insert_issuance(
    connection: Connection,
    draft: IssuanceDraft,
    credential: CredentialId | None,
    now_utc: datetime,
    running_number: int | None = None,
) -> None:
    """Write the first line of an issuance."""
    connection.execute(
        insert(issuances).values(
            issuance_id=draft.issuance_id,
            state=IssuanceState.RESERVED.value,
            owner=draft.owner,
            principal=draft.request.principal,
            method=draft.request.method,
            request_id=draft.request.request_id,
            content_sha256=draft.request.content_sha256,
            subscriber_id=draft.subscriber,
            profile=draft.profile,
            subject_record=subject_to_text(draft.subject),
            certificate_id=certificate_id_of(draft.serial),
            not_before_utc=draft.not_before_utc,
            not_after_utc=draft.not_after_utc,
            algorithm=None if draft.algorithm is None else draft.algorithm.value,
            credential_id=credential,
            csr_spki=draft.spki,
            key_group=draft.key_group,
            activation=draft.activation.value,
            **identity_to_columns(draft.identity),
            running_number=running_number,
            replaces=draft.replaces,
            act=draft.act.value,
            created_utc=now_utc,
        )
    )


def _is_fresh(beat_utc: datetime | None, now_utc: datetime) -> bool:
    return beat_utc is not None and now_utc - ALIVE_FOR < beat_utc < now_utc + AHEAD


def _draft_of(row: Row[Any]) -> IssuanceDraft:
    return IssuanceDraft(
        issuance_id=row.issuance_id,
        request=RequestKey(row.principal, row.method, row.request_id, row.content_sha256),
        owner=row.owner,
        subscriber=row.subscriber_id,
        profile=row.profile,
        subject=subject_from_text(row.subject_record),
        serial=int(row.certificate_id, 16),
        not_before_utc=row.not_before_utc,
        not_after_utc=row.not_after_utc,
        algorithm=algorithm_from_text(row.algorithm),
        cka_id=row.cka_id,
        spki=row.csr_spki,
        key_group=row.key_group,
        activation=Activation(row.activation),
        replaces=row.replaces,
        act=CertificateAct(row.act),
        identity=identity_from_row(row),
        is_name_composed=row.running_number is not None,
    )


def _key_of(row: Row[Any]) -> KeyRef | None:
    if row.cka_id is None:
        return None
    return KeyRef(TokenRef(row.token_label, row.token_serial), row.cka_id)
