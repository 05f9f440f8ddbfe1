"""Which processes of the daemon live."""

from datetime import datetime

from sqlalchemy import insert, update

from signerd.core.error import WrongState
from signerd.core.value import InstanceId
from signerd.store.database import Database
from signerd.store.schema import instances
from signerd.store.transaction import Transaction


class SqlInstanceStore:
    """Runs of processes. An instance is alive until it ends or its beat is 5 seconds old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start_instance(
        self, instance_id: InstanceId, node: str, slot: str, started_utc: datetime
    ) -> None:
        """Be alive; every earlier instance of the same node and slot has ended, since the
        supervisor runs one process a slot. Raises StoreUnavailable."""

        def start(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(instances)
                .where(
                    instances.c.node == node,
                    instances.c.slot == slot,
                    instances.c.ended_utc.is_(None),
                )
                .values(ended_utc=started_utc)
            )
            transaction.connection.execute(
                insert(instances).values(
                    instance_id=instance_id,
                    node=node,
                    slot=slot,
                    started_utc=started_utc,
                    beat_utc=started_utc,
                )
            )

        await self._database.write(start)

    async def beat(self, instance_id: InstanceId, now_utc: datetime | None = None) -> None:
        """Still be alive; now_utc: None for the time at which it is written, which may be seconds
        after the call. Raises WrongState (INSTANCE_ENDED) for one that has ended, and
        StoreUnavailable."""

        def beat(transaction: Transaction) -> None:
            beaten = transaction.connection.execute(
                update(instances)
                .where(instances.c.instance_id == instance_id, instances.c.ended_utc.is_(None))
                .values(beat_utc=now_utc or self._database.clock.now())
            )
            if beaten.rowcount != 1:
                raise WrongState(
                    "another process took the place of this one, which should stop",
                    reason="INSTANCE_ENDED",
                )

        await self._database.write(beat)

    async def end_instance(self, instance_id: InstanceId) -> None:
        """End in good order. Does nothing when it has ended. Raises StoreUnavailable."""
        now = self._database.clock.now()

        def end(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(instances)
                .where(instances.c.instance_id == instance_id, instances.c.ended_utc.is_(None))
                .values(ended_utc=now)
            )

        await self._database.write(end)
