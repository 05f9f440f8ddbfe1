"""Leases: one of many processes does the work at a time."""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, insert, literal, or_, select, update

from signerd.core.clock import AHEAD
from signerd.core.value import InstanceId
from signerd.store.column import UtcMicroseconds
from signerd.store.database import Database
from signerd.store.schema import leases
from signerd.store.transaction import Transaction


class SqlLeaseStore:
    """Leases by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, name: str, holder: InstanceId, ttl_s: float, now_utc: datetime) -> bool:
        """Take a free lease or renew the own one, for ttl_s seconds; whether it is held now.

        One that ends later than a holder could have asked for is free as well: it was taken by a
        clock that has been set back since, and would stay taken until that time comes again.
        Raises StoreUnavailable, and Interrupted when another took it at the same moment.
        """
        expires = now_utc + timedelta(seconds=ttl_s)

        def claim(transaction: Transaction) -> bool:
            renewed = transaction.connection.execute(
                update(leases)
                .where(
                    leases.c.name == name,
                    or_(
                        leases.c.holder == holder,
                        leases.c.expires_utc <= now_utc,
                        leases.c.expires_utc > expires + AHEAD,
                    ),
                )
                .values(holder=holder, expires_utc=expires)
            )
            if renewed.rowcount == 1:
                return True
            made = transaction.connection.execute(
                insert(leases).from_select(
                    ["name", "holder", "expires_utc"],
                    select(literal(name), literal(holder), literal(expires, UtcMicroseconds)).where(
                        ~exists().where(leases.c.name == name)
                    ),
                )
            )
            return made.rowcount == 1

        return await self._database.write(claim)

    async def release(self, name: str, holder: InstanceId) -> None:
        """Give the lease up; does nothing when another holds it. Raises StoreUnavailable."""

        def release(transaction: Transaction) -> None:
            transaction.connection.execute(
                delete(leases).where(leases.c.name == name, leases.c.holder == holder)
            )

        await self._database.write(release)
