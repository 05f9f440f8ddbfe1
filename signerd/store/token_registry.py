"""The tokens keys are placed on."""

from sqlalchemy import Connection, insert, select

from signerd.audit.event import AuditEvent
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import TokenRecord
from signerd.core.value import TokenRef
from signerd.store.database import Database
from signerd.store.schema import tokens
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction


class SqlTokenRegistry:
    """`signerd.ca.ports.TokenRegistry` in SQL. Tokens are filled in the order in which they were
    registered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_tokens(self) -> list[TokenRecord]:
        """See the port; key_count is the number of credentials not destroyed."""
        return await self._database.read(_list)

    async def register_token(self, token: TokenRecord, event: AuditEvent) -> None:
        """See the port; key_count is not looked at, and the event is recorded only for a token
        that is new."""

        def register(transaction: Transaction) -> None:
            connection = transaction.connection
            reference = token.token
            known = connection.execute(
                select(tokens.c.token_id).where(
                    tokens.c.label == reference.label, tokens.c.serial == reference.serial
                )
            ).first()
            if known is not None:
                return
            connection.execute(
                insert(tokens).values(
                    label=reference.label,
                    serial=reference.serial,
                    purpose=token.purpose.value,
                    capacity=token.capacity,
                    key_count=0,
                )
            )
            transaction.record(event)

        await self._database.write(register)


def _list(connection: Connection) -> list[TokenRecord]:
    with decoded("the token registry"):
        return [
            TokenRecord(
                TokenRef(row.label, row.serial),
                TokenPurpose(row.purpose),
                row.capacity,
                row.key_count,
            )
            for row in connection.execute(select(tokens).order_by(tokens.c.token_id))
        ]
