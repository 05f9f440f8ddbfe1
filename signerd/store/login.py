"""Challenges that customers log in with."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from signerd.audit.event import AuditEvent
from signerd.core.error import NotFound
from signerd.core.fault import FaultPoint, reach
from signerd.core.login import ChallengeRecord, ChallengeUse
from signerd.store.database import Database
from signerd.store.schema import login_challenges
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction


class SqlChallengeStore:
    """`signerd.signing.ports.ChallengeStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_challenge(self, record: ChallengeRecord) -> None:
        """See the port."""
        statement = insert(login_challenges).values(
            statement_sha256=record.statement_sha256,
            principal=record.principal,
            expires_utc=record.expires_utc,
            subscriber_id=record.subscriber,
            certificate_id=record.certificate,
            failures=0,
        )

        def add(transaction: Transaction) -> None:
            transaction.connection.execute(statement)

        await self._database.write(add)

    async def find_challenge(self, statement_sha256: bytes) -> ChallengeRecord | None:
        """See the port."""
        return await self._database.read(lambda connection: _find(connection, statement_sha256))

    async def settle_challenge(
        self,
        statement_sha256: bytes,
        judge: Callable[[ChallengeRecord], tuple[ChallengeRecord, AuditEvent | None]],
    ) -> ChallengeRecord:
        """See the port."""

        def settle(transaction: Transaction) -> ChallengeRecord:
            connection = transaction.connection
            before = _find(connection, statement_sha256, for_update=True)
            if before is None:
                raise NotFound(
                    "the challenge ended and was forgotten; create a new one",
                    reason="CHALLENGE_UNKNOWN",
                )
            after, event = judge(before)
            if after != before:
                _keep(connection, after)
            if event is not None:
                transaction.record(event)
            reach(FaultPoint.STORE_LOGIN_UNCOMMITTED)
            return before

        return await self._database.write(settle)

    async def forget_challenges(self, ended_before_utc: datetime) -> int:
        """See the port."""
        gone = delete(login_challenges).where(login_challenges.c.expires_utc < ended_before_utc)
        return await self._database.write(
            lambda transaction: transaction.connection.execute(gone).rowcount
        )


def _find(
    connection: Connection, statement_sha256: bytes, *, for_update: bool = False
) -> ChallengeRecord | None:
    query = select(login_challenges).where(login_challenges.c.statement_sha256 == statement_sha256)
    if for_update:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    with decoded("a login challenge"):
        return ChallengeRecord(
            statement_sha256=row.statement_sha256,
            principal=row.principal,
            expires_utc=row.expires_utc,
            subscriber=row.subscriber_id,
            certificate=row.certificate_id,
            failures=row.failures,
            use=_use_of(row),
        )


def _use_of(row: Row[Any]) -> ChallengeUse | None:
    if row.used_utc is None:
        return None
    return ChallengeUse(row.used_request_id, row.used_content_sha256, row.used_utc)


def _keep(connection: Connection, after: ChallengeRecord) -> None:
    use = after.use
    connection.execute(
        update(login_challenges)
        .where(login_challenges.c.statement_sha256 == after.statement_sha256)
        .values(
            failures=after.failures,
            used_utc=None if use is None else use.time_utc,
            used_request_id=None if use is None else use.request_id,
            used_content_sha256=None if use is None else use.content_sha256,
        )
    )
