"""The further steps of an issuance. Each is taken only by the process that owns it: one that was
taken for dead and comes back finds its name gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from signerd.audit.event import AuditEvent
from signerd.core.error import Internal, Interrupted
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import (
    CertificateAct,
    CertificateState,
    CredentialState,
    IssuanceState,
    RevocationReason,
)
from signerd.core.record import (
    CertificateChange,
    CertificateRecord,
    GeneratedKey,
    IssuanceRecord,
)
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId, CredentialId, InstanceId, IssuanceId, TokenRef
from signerd.store.activation import carry_activation
from signerd.store.certificate_row import (
    apply_change,
    insert_certificate,
    read_certificate,
)
from signerd.store.credential_row import (
    made_columns,
    move_credential,
    reserve_credential,
    token_with_room_except,
)
from signerd.store.issuance_row import is_open, owner_is_alive, read_issuance
from signerd.store.outbox_row import announce
from signerd.store.schema import credentials, issuances
from signerd.store.transaction import Transaction

# Owners that no process has: the last one may have left a key in the making, or has not.
_NOBODY: Final = InstanceId("")
_NOBODY_SETTLED: Final = InstanceId("settled")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an issuance came to nothing; both are shown to the caller."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class _Reserved:
    certificate: CertificateId
    credential: CredentialId | None
    replaces: CertificateId | None
    act: CertificateAct


def take_over(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    fresh_cka_id: bytes,
    now_utc: datetime,
) -> IssuanceRecord | None:
    """Become the owner of an open issuance that nobody alive owns."""
    before = read_issuance(transaction.connection, issuance_id, now_utc).owner
    taken = transaction.connection.execute(
        update(issuances)
        .where(
            issuances.c.issuance_id == issuance_id,
            issuances.c.owner == before,
            is_open(),
            ~owner_is_alive(now_utc),
        )
        .values(owner=owner)
    )
    if taken.rowcount != 1:
        return None
    record = read_issuance(transaction.connection, issuance_id, now_utc)
    has_reserved_key = record.state is IssuanceState.RESERVED and record.key is not None
    is_settled = before == _NOBODY_SETTLED or record.made_key is not None
    if not has_reserved_key or is_settled:
        return record
    _reserve_afresh(transaction, issuance_id, fresh_cka_id, now_utc)
    return read_issuance(transaction.connection, issuance_id, now_utc)


def move(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    fresh_cka_id: bytes,
    now_utc: datetime,
    *,
    avoid: Collection[TokenRef],
) -> IssuanceRecord | None:
    """Reserve the key elsewhere than on tokens that are out of service."""
    token_id = token_with_room_except(transaction.connection, avoid)
    if token_id is None:
        return None
    _step(transaction, issuance_id, owner, (IssuanceState.RESERVED,), {"owner": owner})
    _reserve_afresh(transaction, issuance_id, fresh_cka_id, now_utc, token_id)
    return read_issuance(transaction.connection, issuance_id, now_utc)


def release(
    transaction: Transaction, issuance_id: IssuanceId, owner: InstanceId, *, in_flight: bool
) -> None:
    """Leave an open issuance to whoever comes next; in_flight: its key may still be made."""
    transaction.connection.execute(
        update(issuances)
        .where(issuances.c.issuance_id == issuance_id, issuances.c.owner == owner, is_open())
        .values(owner=_NOBODY if in_flight else _NOBODY_SETTLED)
    )


def record_intent(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    key: GeneratedKey | None,
    tbs: bytes,
) -> None:
    """RESERVED -> INTENT, with the exact bytes that will be signed."""
    reserved = _step(
        transaction,
        issuance_id,
        owner,
        (IssuanceState.RESERVED,),
        {"state": IssuanceState.INTENT.value, "tbs": tbs},
    )
    if (key is None) != (reserved.credential is None):
        raise Internal("the key of an intent is not the one that was reserved")
    if key is not None:
        transaction.connection.execute(
            update(credentials)
            .where(credentials.c.credential_id == reserved.credential)
            .values(**made_columns(key))
        )
    reach(FaultPoint.STORE_INTENT_UNCOMMITTED)


def complete(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    certificate: CertificateRecord,
    events: Sequence[AuditEvent],
    *,
    end_event: AuditEvent | None,
) -> CertificateRecord:
    """INTENT -> ISSUED. The new credential signs and the replaced one no longer does, from one
    and the same moment. end_event: for the record when the replaced one ends by this; it may have
    been revoked before."""
    connection = transaction.connection
    reserved = _step(
        transaction,
        issuance_id,
        owner,
        (IssuanceState.INTENT,),
        {"state": IssuanceState.ISSUED.value},
    )
    made = (certificate.certificate_id, certificate.credential, certificate.replaces)
    if made != (reserved.certificate, reserved.credential, reserved.replaces):
        raise Internal("the certificate to be stored is not the one that was reserved")
    if _end_replaced(transaction, reserved, certificate.created_utc) and end_event is not None:
        transaction.record(end_event)
    insert_certificate(connection, certificate)
    if reserved.credential is not None and not move_credential(
        connection, reserved.credential, CredentialState.RESERVED, CredentialState.ACTIVE
    ):
        raise Internal("the credential of an open issuance is not reserved")
    _carry(connection, reserved)
    for event in events:
        transaction.record(event)
        announce(connection, event, certificate)
    reach(FaultPoint.STORE_COMPLETE_UNCOMMITTED)
    return read_certificate(connection, certificate.certificate_id)


def _carry(connection: Connection, reserved: _Reserved) -> None:
    """Whoever renews goes on as before; after a reissue, which follows a loss, the subscriber sets
    a new PIN."""
    is_renewal = reserved.act is CertificateAct.RENEW
    if is_renewal and reserved.replaces is not None and reserved.credential is not None:
        carry_activation(connection, reserved.replaces, reserved.credential)


def _end_replaced(transaction: Transaction, reserved: _Reserved, now_utc: datetime) -> bool:
    """Whether there is a certificate that ends by this. One that was revoked before stays revoked
    as it was."""
    if reserved.replaces is None:
        return False
    old = read_certificate(transaction.connection, reserved.replaces, for_update=True)
    if old.state is CertificateState.REVOKED:
        next_state(old, reserved.act, now_utc)
        return False
    change = CertificateChange(reserved.act, now_utc, RevocationReason.SUPERSEDED)
    apply_change(transaction.connection, old, change)
    return True


def refuse(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    refusal: Refusal,
    event: AuditEvent,
) -> None:
    """RESERVED or INTENT -> REFUSED; a key that was made for it awaits destruction."""
    reserved = _step(
        transaction,
        issuance_id,
        owner,
        (IssuanceState.RESERVED, IssuanceState.INTENT),
        {
            "state": IssuanceState.REFUSED.value,
            "refusal_reason": refusal.reason,
            "refusal_message": refusal.message,
        },
    )
    if reserved.credential is not None:
        move_credential(
            transaction.connection,
            reserved.credential,
            CredentialState.RESERVED,
            CredentialState.RETIRED,
        )
    transaction.record(event)


def _step(
    transaction: Transaction,
    issuance_id: IssuanceId,
    owner: InstanceId,
    before: tuple[IssuanceState, ...],
    values: dict[str, object],
) -> _Reserved:
    connection = transaction.connection
    stepped = connection.execute(
        update(issuances)
        .where(
            issuances.c.issuance_id == issuance_id,
            issuances.c.owner == owner,
            issuances.c.state.in_([state.value for state in before]),
        )
        .values(**values)
    )
    if stepped.rowcount != 1:
        raise Interrupted(
            "another process has taken this request over; repeat it with the same request_id",
            reason="ISSUANCE_TAKEN_OVER",
            retry_after_s=1.0,
        )
    row = connection.execute(
        select(
            issuances.c.certificate_id,
            issuances.c.credential_id,
            issuances.c.replaces,
            issuances.c.act,
        ).where(issuances.c.issuance_id == issuance_id)
    ).one()
    return _Reserved(row.certificate_id, row.credential_id, row.replaces, CertificateAct(row.act))


def _reserve_afresh(
    transaction: Transaction,
    issuance_id: IssuanceId,
    cka_id: bytes,
    now_utc: datetime,
    token_id: int | None = None,
) -> None:
    """A new reservation in place of the old one, which is retired; token_id: None for the same
    token."""
    connection = transaction.connection
    old = connection.execute(
        select(credentials)
        .join(issuances, issuances.c.credential_id == credentials.c.credential_id)
        .where(issuances.c.issuance_id == issuance_id)
    ).one()
    move_credential(
        connection, old.credential_id, CredentialState.RESERVED, CredentialState.RETIRED
    )
    fresh = reserve_credential(
        connection,
        token_id=old.token_id if token_id is None else token_id,
        cka_id=cka_id,
        subscriber=old.subscriber_id,
        key_group=old.key_group,
        activation=old.activation,
        algorithm=old.algorithm,
        now_utc=now_utc,
    )
    connection.execute(
        update(issuances).where(issuances.c.issuance_id == issuance_id).values(credential_id=fresh)
    )
