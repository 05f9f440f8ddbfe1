"""Credentials as rows, and the room they take on tokens."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    false,
    insert,
    not_,
    or_,
    select,
    update,
)

from signerd.core.activation import Activation
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import LimitExceeded
from signerd.core.lifecycle import CredentialState, TokenPurpose
from signerd.core.record import CredentialRecord, GeneratedKey
from signerd.core.value import CredentialId, KeyRef, SubscriberId, TokenRef, credential_id_of
from signerd.store.schema import certificates, credentials, tokens
from signerd.store.stored import decoded

_POOL_RETRY_S: Final = 5.0

SELECT_CREDENTIAL: Final[Select[Any]] = select(
    credentials,
    tokens.c.label.label("token_label"),
    tokens.c.serial.label("token_serial"),
    certificates.c.certificate_id,
    certificates.c.not_after_utc,
).select_from(
    credentials.join(tokens, tokens.c.token_id == credentials.c.token_id).outerjoin(
        certificates, certificates.c.credential_id == credentials.c.credential_id
    )
)


def credential_of(row: Row[Any]) -> CredentialRecord:
    """The record in a row of SELECT_CREDENTIAL; spki is empty for a key that was reserved and,
    as far as is known, never made. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"credential {row.credential_id}"):
        return CredentialRecord(
            credential_id=row.credential_id,
            key=KeyRef(TokenRef(row.token_label, row.token_serial), row.cka_id),
            subscriber=row.subscriber_id,
            key_group=row.key_group,
            algorithm=KeyAlgorithm(row.algorithm),
            state=CredentialState(row.state),
            spki=row.spki or b"",
            certificate=row.certificate_id,
            not_after_utc=row.not_after_utc,
            activation=Activation(row.activation),
        )


def is_one_of(refs: Collection[TokenRef]) -> ColumnElement[bool]:
    """Condition on `tokens`: the row is one of these."""
    return or_(
        false(), *(and_(tokens.c.label == it.label, tokens.c.serial == it.serial) for it in refs)
    )


def token_with_room_except(connection: Connection, avoid: Collection[TokenRef]) -> int | None:
    """The first subscriber token, in the order of the registry, that takes one more key and is
    not to be avoided."""
    return connection.execute(
        select(tokens.c.token_id)
        .where(
            tokens.c.purpose == TokenPurpose.SUBSCRIBER.value,
            tokens.c.key_count < tokens.c.capacity,
            not_(is_one_of(avoid)),
        )
        .order_by(tokens.c.token_id)
        .limit(1)
        .with_for_update()
    ).scalar()


def token_with_room(connection: Connection, avoid: Collection[TokenRef] = ()) -> int:
    """A subscriber token that takes one more key; one to be avoided when there is no other.

    Raises LimitExceeded (TOKEN_POOL_FULL).
    """
    token_id = token_with_room_except(connection, avoid)
    if token_id is None and avoid:
        token_id = token_with_room_except(connection, ())
    if token_id is None:
        raise LimitExceeded(
            "every subscriber token is full; an operator must add one, unless the pool grows by "
            "itself: then try again",
            reason="TOKEN_POOL_FULL",
            retry_after_s=_POOL_RETRY_S,
        )
    return token_id


def reserve_credential(
    connection: Connection,
    *,
    token_id: int,
    cka_id: bytes,
    subscriber: SubscriberId,
    key_group: str,
    activation: str,
    algorithm: str,
    now_utc: datetime,
    made: GeneratedKey | None = None,
) -> CredentialId:
    """Reserve a key on a token and the room for it. made: the key was made ahead, and has room."""
    credential_id = credential_id_of(cka_id)
    connection.execute(
        insert(credentials).values(
            credential_id=credential_id,
            token_id=token_id,
            cka_id=cka_id,
            subscriber_id=subscriber,
            key_group=key_group,
            activation=activation,
            algorithm=algorithm,
            state=CredentialState.RESERVED.value,
            created_utc=now_utc,
            **({} if made is None else made_columns(made)),
        )
    )
    if made is None:
        add_to_key_count(connection, token_id, 1)
    return credential_id


def made_columns(key: GeneratedKey) -> dict[str, object]:
    """What was read back of a key, as columns."""
    return {
        "spki": key.spki,
        "is_local": key.local,
        "is_always_sensitive": key.always_sensitive,
        "is_never_extractable": key.never_extractable,
    }


def made_key_of(row: Row[Any]) -> GeneratedKey | None:
    """The key in a row with these columns; None while it is not known to be made."""
    if row.spki is None:
        return None
    return GeneratedKey(row.spki, row.is_local, row.is_always_sensitive, row.is_never_extractable)


def add_to_key_count(connection: Connection, token_id: int, change: int) -> None:
    """Keep the number of credentials on a token that are not destroyed."""
    connection.execute(
        update(tokens)
        .where(tokens.c.token_id == token_id)
        .values(key_count=tokens.c.key_count + change)
    )


def move_credential(
    connection: Connection,
    credential_id: CredentialId,
    before: CredentialState,
    after: CredentialState,
) -> bool:
    """Change the state of a credential; False when it was not in the state before."""
    return (
        connection.execute(
            update(credentials)
            .where(
                credentials.c.credential_id == credential_id,
                credentials.c.state == before.value,
            )
            .values(state=after.value)
        ).rowcount
        == 1
    )
