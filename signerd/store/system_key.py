"""The keys of the daemon itself."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from signerd.audit.event import AuditEvent
from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.error import Conflict, Interrupted, NotFound
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import KeyOrigin, SystemKey, SystemSecret
from signerd.core.value import KeyRef, TokenRef
from signerd.store.database import Database
from signerd.store.schema import system_keys
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction


class SqlSystemKeyStore:
    """Where the daemon's own keys are, and the certificates of those that have one. Part of it is
    `signerd.ca.ports.SystemKeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_system_keys(
        self, keys: Sequence[SystemKey | SystemSecret], event: AuditEvent
    ) -> None:
        """Keep new keys. Raises Conflict (SYSTEM_KEY_EXISTS) when one of the roles is taken,
        StoreUnavailable."""

        def save(transaction: Transaction) -> None:
            roles = [key.role.value for key in keys]
            taken = transaction.connection.scalars(
                select(system_keys.c.role).where(system_keys.c.role.in_(roles))
            ).all()
            if taken:
                raise Conflict(
                    f"the store already has a key for {', '.join(sorted(taken))}; it stays",
                    reason="SYSTEM_KEY_EXISTS",
                )
            transaction.connection.execute(insert(system_keys), [_row_of(key) for key in keys])
            transaction.record(event)

        await self._database.write(save)

    async def get_system_keys(self) -> dict[SystemKeyRole, SystemKey]:
        """All key pairs by role; empty before init. Raises StoreUnavailable."""
        return await self._database.read(_read_keys)

    async def get_system_secrets(self) -> dict[SystemKeyRole, SystemSecret]:
        """All secret keys by role; empty before init. Raises StoreUnavailable."""
        return await self._database.read(_read_secrets)

    async def begin_certificate(self, role: SystemKeyRole, tbs: bytes) -> bytes:
        """See the port."""

        def begin(transaction: Transaction) -> bytes:
            connection = transaction.connection
            connection.execute(
                update(system_keys)
                .where(system_keys.c.role == role.value, system_keys.c.next_tbs.is_(None))
                .values(next_tbs=tbs)
            )
            begun: bytes | None = connection.scalar(
                select(system_keys.c.next_tbs).where(system_keys.c.role == role.value)
            )
            if begun is None:
                raise NotFound(f"the store has no key for {role.value}; run `signerd init`")
            return begun

        return await self._database.write(begin)

    async def replace_certificate(
        self, role: SystemKeyRole, tbs: bytes, certificate: bytes, event: AuditEvent
    ) -> None:
        """See the port."""

        def replace(transaction: Transaction) -> None:
            changed = transaction.connection.execute(
                update(system_keys)
                .where(system_keys.c.role == role.value, system_keys.c.next_tbs == tbs)
                .values(certificate=certificate, next_tbs=None)
            )
            if changed.rowcount != 1:
                raise Interrupted(f"the certificate of {role.value} was replaced by another keeper")
            transaction.record(event)

        await self._database.write(replace)


def _row_of(key: SystemKey | SystemSecret) -> dict[str, object]:
    return {
        "role": key.role.value,
        "token_label": key.key.token.label,
        "token_serial": key.key.token.serial,
        "cka_id": key.key.cka_id,
        "algorithm": key.algorithm.value,
        "spki": key.spki if isinstance(key, SystemKey) else None,
        "certificate": key.certificate if isinstance(key, SystemKey) else None,
        "is_local": key.origin.local,
        "is_always_sensitive": key.origin.always_sensitive,
        "is_never_extractable": key.origin.never_extractable,
    }


def _read_keys(connection: Connection) -> dict[SystemKeyRole, SystemKey]:
    with decoded("the table of system keys"):
        found = [
            SystemKey(
                role=SystemKeyRole(row.role),
                key=_key_of(row),
                algorithm=KeyAlgorithm(row.algorithm),
                spki=row.spki,
                certificate=row.certificate,
                origin=_origin_of(row),
            )
            for row in connection.execute(
                select(system_keys).where(system_keys.c.spki.is_not(None))
            )
        ]
    return {key.role: key for key in found}


def _read_secrets(connection: Connection) -> dict[SystemKeyRole, SystemSecret]:
    with decoded("the table of system keys"):
        found = [
            SystemSecret(
                role=SystemKeyRole(row.role),
                key=_key_of(row),
                algorithm=SecretAlgorithm(row.algorithm),
                origin=_origin_of(row),
            )
            for row in connection.execute(select(system_keys).where(system_keys.c.spki.is_(None)))
        ]
    return {secret.role: secret for secret in found}


def _key_of(row: Row[Any]) -> KeyRef:
    return KeyRef(TokenRef(row.token_label, row.token_serial), row.cka_id)


def _origin_of(row: Row[Any]) -> KeyOrigin:
    return KeyOrigin(row.is_local, row.is_always_sensitive, row.is_never_extractable)
