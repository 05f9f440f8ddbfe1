"""The keys of the daemon itself."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from signerd.audit.event import AuditEvent
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Conflict
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.core.value import KeyRef, TokenRef
from signerd.store.database import Database
from signerd.store.schema import system_keys
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction


class SqlSystemKeyStore:
    """Where root, issuing and probe key are, and the CA certificates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_system_keys(self, keys: Sequence[SystemKey], event: AuditEvent) -> None:
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
        """All keys by role; empty before init. Raises StoreUnavailable."""
        return await self._database.read(_read)


def _row_of(key: SystemKey) -> dict[str, object]:
    return {
        "role": key.role.value,
        "token_label": key.key.token.label,
        "token_serial": key.key.token.serial,
        "cka_id": key.key.cka_id,
        "algorithm": key.algorithm.value,
        "spki": key.spki,
        "certificate": key.certificate,
    }


def _read(connection: Connection) -> dict[SystemKeyRole, SystemKey]:
    keys: dict[SystemKeyRole, SystemKey] = {}
    with decoded("the table of system keys"):
        for row in connection.execute(select(system_keys)):
            role = SystemKeyRole(row.role)
            keys[role] = SystemKey(
                role=role,
                key=KeyRef(TokenRef(row.token_label, row.token_serial), row.cka_id),
                algorithm=KeyAlgorithm(row.algorithm),
                spki=row.spki,
                certificate=row.certificate,
            )
    return keys
