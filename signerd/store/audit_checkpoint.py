"""Checkpoints of the audit chains."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, insert, literal, select, update

from signerd.audit.checkpoint import SignedCheckpoint
from signerd.audit.standing import RecordLink, TrailStanding
from signerd.core.error import Interrupted, NotFound
from signerd.core.fault import FaultPoint, reach
from signerd.store.audit_walk import read_heads
from signerd.store.database import Database
from signerd.store.schema import audit_checkpoints, audit_coverage, audit_events, audit_wishes
from signerd.store.transaction import Transaction

_SELECT: Final[Select[Any]] = select(audit_checkpoints)
# Without the fingerprints, which are long: the keeper looks twice a second.
_NEWEST: Final[Select[Any]] = (
    select(
        audit_checkpoints.c.number,
        audit_checkpoints.c.checkpoint,
        audit_checkpoints.c.signature,
        literal(b"").label("fingerprints"),
        audit_checkpoints.c.time_stamp,
    )
    .order_by(audit_checkpoints.c.number.desc())
    .limit(1)
)


class SqlCheckpointStore:
    """`signerd.proof.ports.CheckpointStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self) -> TrailStanding:
        """See the port."""
        return await self._database.read(_read_standing)

    async def links(self, chain: str, after: int, until: int) -> list[RecordLink]:
        """See the port."""
        columns = audit_events.c
        query = (
            select(columns.sequence, columns.previous_hash, columns.hash, columns.position)
            .where(columns.chain == chain, columns.sequence > after, columns.sequence <= until)
            .order_by(columns.sequence)
        )
        return await self._database.read(
            lambda connection: [RecordLink(*row) for row in connection.execute(query)]
        )

    async def save(self, signed: SignedCheckpoint, reaches: Sequence[tuple[str, int]]) -> None:
        """See the port."""

        def save(transaction: Transaction) -> None:
            connection = transaction.connection
            newest = connection.scalar(select(func.max(audit_checkpoints.c.number))) or 0
            if newest != signed.number - 1:
                raise Interrupted(f"another keeper has made checkpoint {signed.number}")
            connection.execute(insert(audit_checkpoints), [_row_of(signed)])
            for chain, length in reaches:
                connection.execute(
                    insert(audit_coverage).values(chain=chain, length=length, number=signed.number)
                )
                connection.execute(
                    delete(audit_wishes).where(
                        audit_wishes.c.chain == chain, audit_wishes.c.length <= length
                    )
                )
            reach(FaultPoint.STORE_CHECKPOINT_UNCOMMITTED)

        await self._database.write(save)

    async def after(self, number: int, limit: int) -> list[SignedCheckpoint]:
        """See the port."""
        query = (
            _SELECT.where(audit_checkpoints.c.number > number)
            .order_by(audit_checkpoints.c.number)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [_signed(row) for row in connection.execute(query)]
        )

    async def get(self, number: int) -> SignedCheckpoint:
        """See the port."""
        query = _SELECT.where(audit_checkpoints.c.number == number)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"the store has no checkpoint {number}; run `signerd audit verify`")
        return _signed(row)

    async def covering(self, chain: str, sequence: int) -> int | None:
        """See the port."""
        query = (
            select(audit_coverage.c.number)
            .where(audit_coverage.c.chain == chain, audit_coverage.c.length >= sequence)
            .order_by(audit_coverage.c.length)
            .limit(1)
        )
        return await self._database.read(lambda connection: connection.scalar(query))

    async def wish(self, chain: str, length: int) -> None:
        """See the port."""

        def wish(transaction: Transaction) -> None:
            raised = transaction.connection.execute(
                update(audit_wishes)
                .where(audit_wishes.c.chain == chain)
                .values(length=func.max(audit_wishes.c.length, length))
            )
            if not raised.rowcount:
                transaction.connection.execute(
                    insert(audit_wishes).values(chain=chain, length=length)
                )

        await self._database.write(wish)


def _read_standing(connection: Connection) -> TrailStanding:
    newest = connection.execute(_NEWEST).one_or_none()
    wishes = connection.execute(select(audit_wishes))
    return TrailStanding(
        newest=None if newest is None else _signed(newest),
        heads=read_heads(connection),
        wishes={row.chain: row.length for row in wishes},
    )


def _row_of(signed: SignedCheckpoint) -> dict[str, object]:
    return {
        "number": signed.number,
        "checkpoint": signed.text,
        "signature": signed.signature,
        "fingerprints": signed.fingerprints,
        "time_stamp": signed.time_stamp or None,
    }


def _signed(row: Row[Any]) -> SignedCheckpoint:
    """What stands there, whatever it is: whoever reads it judges it."""
    return SignedCheckpoint(
        number=row.number if isinstance(row.number, int) else -1,
        text=_octets(row.checkpoint),
        signature=_octets(row.signature),
        fingerprints=_octets(row.fingerprints),
        time_stamp=_octets(row.time_stamp),
    )


def _octets(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b""
