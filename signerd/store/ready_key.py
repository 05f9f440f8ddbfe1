"""The pool of key pairs made ahead."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, exists, func, insert, not_, or_, select, update

from signerd.audit.event import AuditEvent
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Interrupted
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import ReadyKeyState
from signerd.core.record import GeneratedKey
from signerd.core.value import InstanceId, KeyRef, TokenRef
from signerd.store.credential_row import (
    add_to_key_count,
    is_one_of,
    made_columns,
    token_with_room_except,
)
from signerd.store.database import Database
from signerd.store.issuance_row import is_open, owner_is_alive
from signerd.store.schema import certificates, ready_keys, tokens
from signerd.store.transaction import Transaction

_NOBODY: Final = InstanceId("")
# Who issues one certificate after another would wait behind the keys that take the place of those
# just taken.
_QUIET: Final = timedelta(seconds=0.5)
_MAKING: Final = ready_keys.c.state == ReadyKeyState.MAKING.value


class SqlReadyKeyStore:
    """`signerd.ca.ports.ReadyKeyStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve_ready_key(
        self,
        cka_id: bytes,
        algorithm: KeyAlgorithm,
        owner: InstanceId,
        *,
        most: int,
        avoid: Collection[TokenRef],
    ) -> KeyRef | None:
        """See the port."""
        now = self._database.clock.now()

        def is_wanted(connection: Connection) -> bool:
            return _count(connection, algorithm, avoid) < most and not _is_issuing(connection, now)

        def reserve(transaction: Transaction) -> KeyRef | None:
            connection = transaction.connection
            token_id = token_with_room_except(connection, avoid)
            if token_id is None or not is_wanted(connection):
                return None
            connection.execute(
                insert(ready_keys).values(
                    cka_id=cka_id,
                    token_id=token_id,
                    algorithm=algorithm.value,
                    state=ReadyKeyState.MAKING.value,
                    owner=owner,
                    created_utc=now,
                )
            )
            add_to_key_count(connection, token_id, 1)
            return _key(connection, cka_id)

        # Most of the time the pool is full: then nothing is written.
        if not await self._database.read(is_wanted):
            return None
        return await self._database.write(reserve)

    async def finish_ready_key(self, cka_id: bytes, owner: InstanceId, made: GeneratedKey) -> None:
        """See the port."""

        def finish(transaction: Transaction) -> None:
            finished = transaction.connection.execute(
                update(ready_keys)
                .where(ready_keys.c.cka_id == cka_id, ready_keys.c.owner == owner, _MAKING)
                .values(state=ReadyKeyState.READY.value, **made_columns(made))
            )
            if finished.rowcount != 1:
                raise Interrupted(
                    "another process has given this key up; it is destroyed",
                    reason="READY_KEY_GIVEN_UP",
                )
            reach(FaultPoint.STORE_READY_KEY_UNCOMMITTED)

        await self._database.write(finish)

    async def give_up_ready_key(self, cka_id: bytes, owner: InstanceId) -> None:
        """See the port."""
        query = (
            update(ready_keys)
            .where(ready_keys.c.cka_id == cka_id, ready_keys.c.owner == owner, _MAKING)
            .values(owner=_NOBODY)
        )
        await self._database.write(lambda transaction: transaction.connection.execute(query))

    async def take_abandoned_keys(
        self, limit: int, *, avoid: Collection[TokenRef] = ()
    ) -> Sequence[KeyRef]:
        """See the port; oldest first."""
        now = self._database.clock.now()
        query = (
            select(ready_keys.c.cka_id, tokens.c.label, tokens.c.serial)
            .join(tokens, tokens.c.token_id == ready_keys.c.token_id)
            .where(
                _MAKING,
                ~owner_is_alive(now, ready_keys.c.owner),
                not_(is_one_of(avoid)),
            )
            .order_by(ready_keys.c.created_utc)
            .limit(limit)
        )

        def listed(connection: Connection) -> list[KeyRef]:
            return [
                KeyRef(TokenRef(row.label, row.serial), row.cka_id)
                for row in connection.execute(query)
            ]

        def take(transaction: Transaction) -> list[KeyRef]:
            found = listed(transaction.connection)
            transaction.connection.execute(
                update(ready_keys)
                .where(ready_keys.c.cka_id.in_([key.cka_id for key in found]))
                .values(owner=_NOBODY)
            )
            return found

        if not await self._database.read(listed):
            return []
        return await self._database.write(take)

    async def mark_abandoned_destroyed(self, cka_id: bytes, event: AuditEvent) -> None:
        """See the port."""

        def mark(transaction: Transaction) -> None:
            connection = transaction.connection
            token_id = connection.execute(
                update(ready_keys)
                .where(ready_keys.c.cka_id == cka_id, ready_keys.c.owner == _NOBODY, _MAKING)
                .values(state=ReadyKeyState.DESTROYED.value)
                .returning(ready_keys.c.token_id)
            ).scalar_one_or_none()
            if token_id is not None:
                add_to_key_count(connection, token_id, -1)
                transaction.record(event)

        await self._database.write(mark)


def _count(connection: Connection, algorithm: KeyAlgorithm, avoid: Collection[TokenRef]) -> int:
    return connection.execute(
        select(func.count())
        .select_from(ready_keys.join(tokens, tokens.c.token_id == ready_keys.c.token_id))
        .where(
            ready_keys.c.state.in_([ReadyKeyState.MAKING.value, ReadyKeyState.READY.value]),
            ready_keys.c.algorithm == algorithm.value,
            not_(is_one_of(avoid)),
        )
    ).scalar_one()


def _is_issuing(connection: Connection, now_utc: datetime) -> bool:
    at_work = exists().where(is_open(), owner_is_alive(now_utc))
    lately = exists().where(certificates.c.created_utc > now_utc - _QUIET)
    return bool(connection.scalar(select(or_(at_work, lately))))


def _key(connection: Connection, cka_id: bytes) -> KeyRef:
    row = connection.execute(
        select(tokens.c.label, tokens.c.serial)
        .join(ready_keys, ready_keys.c.token_id == tokens.c.token_id)
        .where(ready_keys.c.cka_id == cka_id)
    ).one()
    return KeyRef(TokenRef(row.label, row.serial), cka_id)
