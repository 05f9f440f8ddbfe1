"""The first step of an issuance: everything it will need is reserved at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, exists, insert, literal, select

from signerd.core.error import Interrupted, WrongState
from signerd.core.fault import FaultPoint, reach
from signerd.core.record import IssuanceDraft, IssuanceRecord, RequestKey
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId, CredentialId, SubscriberId, TokenRef
from signerd.store.certificate_row import read_certificate
from signerd.store.column import UtcMicroseconds
from signerd.store.counter import next_number
from signerd.store.credential_row import reserve_credential, token_with_room
from signerd.store.issuance_row import insert_issuance, is_open, read_issuance
from signerd.store.ready_key_row import take_ready_key
from signerd.store.request import find_request, remember_request
from signerd.store.schema import issuances, subscribers
from signerd.store.transaction import Transaction

_REISSUE_RETRY_S: Final = 1.0
_COMMON_NAME: Final = "common name"


def begin(
    transaction: Transaction,
    draft: IssuanceDraft,
    now_utc: datetime,
    avoid: Collection[TokenRef] = (),
) -> tuple[IssuanceRecord, bool]:
    """Reserve serial, key and request id; see the port for what it raises.

    1. A request id that is known answers with what it began.
    2. A certificate to replace must be in a state for that, and nobody else may be replacing it.
    3. The subscriber comes into being with the first request. Whose personal data was erased gets
       no VID: what could prove it would not be erased.
    4. The key gets its place on a token, before it exists, or is one that was made ahead; the
       common name gets its number.
    5. The journal has its first line, and the request id points to it.
    """
    connection = transaction.connection
    known = find(connection, draft.request, now_utc)
    if known is not None:
        return known, False
    if draft.replaces is not None:
        _require_replaceable(connection, draft, draft.replaces, now_utc)
    _ensure_subscriber(connection, draft.subscriber, now_utc)
    if draft.identity is not None:
        _require_not_erased(connection, draft.subscriber)
    credential = _reserve_key(connection, draft, now_utc, avoid)
    running_number = next_number(connection, _COMMON_NAME) if draft.is_name_composed else None
    insert_issuance(connection, draft, credential, now_utc, running_number)
    remember_request(connection, draft.request, now_utc, issuance=draft.issuance_id)
    reach(FaultPoint.STORE_RESERVE_UNCOMMITTED)
    return read_issuance(connection, draft.issuance_id, now_utc), True


def find(connection: Connection, request: RequestKey, now_utc: datetime) -> IssuanceRecord | None:
    """What an earlier call with this request id began; see the port for what it raises."""
    known = find_request(connection, request)
    if known is None or known.issuance is None:
        return None
    return read_issuance(connection, known.issuance, now_utc)


def _require_replaceable(
    connection: Connection, draft: IssuanceDraft, certificate_id: CertificateId, now_utc: datetime
) -> None:
    next_state(read_certificate(connection, certificate_id, for_update=True), draft.act, now_utc)
    is_being_replaced = connection.execute(
        select(issuances.c.issuance_id).where(issuances.c.replaces == certificate_id, is_open())
    ).first()
    if is_being_replaced is not None:
        raise Interrupted(
            f"certificates/{certificate_id} is being replaced by another request; wait for that, "
            "or repeat it with its own request_id",
            reason="REISSUE_IN_PROGRESS",
            retry_after_s=_REISSUE_RETRY_S,
        )


def _ensure_subscriber(connection: Connection, subscriber: SubscriberId, now_utc: datetime) -> None:
    is_known = exists().where(subscribers.c.subscriber_id == subscriber)
    connection.execute(
        insert(subscribers).from_select(
            ["subscriber_id", "created_utc"],
            select(literal(subscriber), literal(now_utc, UtcMicroseconds)).where(~is_known),
        )
    )


def _require_not_erased(connection: Connection, subscriber: SubscriberId) -> None:
    erased_utc = connection.scalar(
        select(subscribers.c.erased_utc).where(subscribers.c.subscriber_id == subscriber)
    )
    if erased_utc is not None:
        raise WrongState(
            f"the personal data of subscribers/{subscriber} was erased; register the subscriber "
            "again before a certificate with a virtual ID is issued",
            reason="SUBSCRIBER_ERASED",
        )


def _reserve_key(
    connection: Connection, draft: IssuanceDraft, now_utc: datetime, avoid: Collection[TokenRef]
) -> CredentialId | None:
    if draft.cka_id is None or draft.algorithm is None:
        return None
    ready = take_ready_key(connection, draft.algorithm, avoid)
    return reserve_credential(
        connection,
        token_id=token_with_room(connection, avoid) if ready is None else ready.token_id,
        cka_id=draft.cka_id if ready is None else ready.cka_id,
        subscriber=draft.subscriber,
        key_group=draft.key_group,
        activation=draft.activation.value,
        algorithm=draft.algorithm.value,
        now_utc=now_utc,
        made=None if ready is None else ready.made,
    )
