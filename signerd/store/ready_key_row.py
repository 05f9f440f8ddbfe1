"""Key pairs made ahead, as rows."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, not_, select

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.lifecycle import ReadyKeyState
from signerd.core.record import GeneratedKey
from signerd.core.value import TokenRef
from signerd.store.credential_row import is_one_of, made_key_of
from signerd.store.schema import ready_keys, tokens
from signerd.store.stored import decoded


@dataclass(frozen=True, slots=True)
class TakenKey:
    """A key pair that was made ahead, and now belongs to one issuance."""

    token_id: int
    cka_id: bytes
    made: GeneratedKey


def take_ready_key(
    connection: Connection, algorithm: KeyAlgorithm, avoid: Collection[TokenRef]
) -> TakenKey | None:
    """The oldest ready key on a token that is not to be avoided; nobody else gets it.

    It keeps its room on the token. Raises StoreUnavailable (STORE_CORRUPT).
    """
    oldest = (
        select(ready_keys.c.cka_id)
        .join(tokens, tokens.c.token_id == ready_keys.c.token_id)
        .where(
            ready_keys.c.state == ReadyKeyState.READY.value,
            ready_keys.c.algorithm == algorithm.value,
            not_(is_one_of(avoid)),
        )
        .order_by(ready_keys.c.created_utc)
        .limit(1)
        .with_for_update(of=ready_keys, skip_locked=True)
    )
    row = connection.execute(
        delete(ready_keys)
        .where(ready_keys.c.cka_id == oldest.scalar_subquery())
        .returning(ready_keys)
    ).one_or_none()
    return None if row is None else _taken(row)


def _taken(row: Row[Any]) -> TakenKey:
    with decoded("a ready key"):
        made = made_key_of(row)
        if made is None:
            raise ValueError("a ready key without SubjectPublicKeyInfo")
        return TakenKey(row.token_id, row.cka_id, made)
