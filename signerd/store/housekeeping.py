"""What the keeper asks and puts in order."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, Select, delete, not_, or_, select

from signerd.audit.event import AuditEvent
from signerd.core.error import NotFound, WrongState
from signerd.core.lifecycle import CertificateState, CredentialState
from signerd.core.record import CredentialRecord, IssuanceRecord
from signerd.core.value import CertificateId, CredentialId, TokenRef
from signerd.store.credential_row import (
    SELECT_CREDENTIAL,
    add_to_key_count,
    credential_of,
    is_one_of,
    move_credential,
)
from signerd.store.database import Database
from signerd.store.issuance_row import SELECT_ISSUANCE, is_open, issuance_of, owner_is_alive
from signerd.store.schema import (
    certificates,
    credentials,
    issuances,
    ready_keys,
    requests,
    tokens,
)
from signerd.store.transaction import Transaction

# Bounds how long one clean-up keeps signatures waiting, and the parameters of one statement.
_CHUNK: Final = 500


class SqlHousekeeping:
    """`signerd.ca.ports.HousekeepingStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_interrupted_issuances(self, limit: int) -> list[IssuanceRecord]:
        """See the port; oldest first."""
        now = self._database.clock.now()
        query = (
            SELECT_ISSUANCE.where(is_open(), ~owner_is_alive(now))
            .order_by(issuances.c.created_utc)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [issuance_of(row, now) for row in connection.execute(query)]
        )

    async def list_overdue_suspensions(self, now_utc: datetime, limit: int) -> list[CertificateId]:
        """See the port; longest overdue first."""
        query = (
            select(certificates.c.certificate_id)
            .where(
                certificates.c.state == CertificateState.SUSPENDED.value,
                certificates.c.suspension_limit_utc < now_utc,
                certificates.c.not_after_utc >= now_utc,
            )
            .order_by(certificates.c.suspension_limit_utc)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [CertificateId(it) for it in connection.scalars(query)]
        )

    async def list_retired_credentials(
        self, limit: int, *, avoid: Collection[TokenRef] = ()
    ) -> list[CredentialRecord]:
        """See the port; oldest first."""
        query = (
            SELECT_CREDENTIAL.where(
                credentials.c.state == CredentialState.RETIRED.value, not_(is_one_of(avoid))
            )
            .order_by(credentials.c.created_utc)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [credential_of(row) for row in connection.execute(query)]
        )

    async def mark_destroyed(self, credential_id: CredentialId, event: AuditEvent) -> None:
        """See the port; doing it again changes nothing. Raises NotFound, and WrongState
        (CREDENTIAL_NOT_RETIRED) for a credential that is still in use."""
        await self._database.write(
            lambda transaction: _mark_destroyed(transaction, credential_id, event)
        )

    async def find_dead_keys(self, token: TokenRef, cka_ids: Sequence[bytes]) -> list[bytes]:
        """See the port."""
        dead: list[bytes] = []
        for start in range(0, len(cka_ids), _CHUNK):
            asked = cka_ids[start : start + _CHUNK]
            for keys in (credentials, ready_keys):
                query = (
                    select(keys.c.cka_id)
                    .join(tokens, tokens.c.token_id == keys.c.token_id)
                    .where(
                        is_one_of([token]),
                        # The same word of a credential and of a key that was made ahead.
                        keys.c.state == CredentialState.DESTROYED.value,
                        keys.c.cka_id.in_(asked),
                    )
                )
                dead += await self._database.read(partial(_scalars, query))
        return dead

    async def forget_requests(self, older_than_utc: datetime) -> int:
        """See the port."""
        total = 0
        while True:
            count = await self._database.write(
                lambda transaction: _forget_some(transaction, older_than_utc)
            )
            total += count
            if count < _CHUNK:
                return total


def _scalars(query: Select[tuple[bytes]], connection: Connection) -> list[bytes]:
    return list(connection.scalars(query))


def _mark_destroyed(
    transaction: Transaction, credential_id: CredentialId, event: AuditEvent
) -> None:
    connection = transaction.connection
    row = connection.execute(
        select(credentials.c.state, credentials.c.token_id)
        .where(credentials.c.credential_id == credential_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no credential {credential_id}")
    if row.state == CredentialState.DESTROYED.value:
        return
    if not move_credential(
        connection, credential_id, CredentialState.RETIRED, CredentialState.DESTROYED
    ):
        raise WrongState(
            f"credential {credential_id} is {row.state}; only retired ones are destroyed",
            reason="CREDENTIAL_NOT_RETIRED",
        )
    add_to_key_count(connection, row.token_id, -1)
    transaction.record(event)


def _forget_some(transaction: Transaction, older_than_utc: datetime) -> int:
    open_issuances = select(issuances.c.issuance_id).where(is_open())
    old = (
        select(requests.c.request_number)
        .where(
            requests.c.created_utc < older_than_utc,
            or_(
                requests.c.issuance_id.is_(None),
                requests.c.issuance_id.not_in(open_issuances),
            ),
        )
        .order_by(requests.c.created_utc)
        .limit(_CHUNK)
    )
    return transaction.connection.execute(
        delete(requests).where(requests.c.request_number.in_(old))
    ).rowcount
