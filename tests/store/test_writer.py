import asyncio
import fcntl
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from signerd.audit.chain import ChainHead
from signerd.core.error import (
    Internal,
    Interrupted,
    LimitExceeded,
    NotFound,
    StoreUnavailable,
)
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.batch import Merger
from signerd.store.database import Database
from signerd.store.schema import audit_heads, subscribers
from signerd.store.transaction import Transaction
from tests.store.scenario import START, StandingClock, event_of


class _Add:
    """Adds a subscriber and records an event, then fails if told to."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self._name = name
        self._error = error

    def __call__(self, transaction: Transaction) -> str:
        transaction.connection.execute(
            insert(subscribers).values(subscriber_id=self._name, created_utc=START)
        )
        transaction.record(event_of(resource=f"subscribers/{self._name}"))
        if self._error is not None:
            raise self._error
        return self._name


async def _stored(database: Database) -> tuple[set[str], set[str]]:
    """Subscribers, and those whose event is on record."""
    names = await database.read(
        lambda connection: set(connection.scalars(select(subscribers.c.subscriber_id)))
    )
    records = await SqlAuditTrail(database).records_after(0, 1000)
    return names, {record.event.resource.removeprefix("subscribers/") for record in records}


async def _all_good(database: Database) -> bool:
    return all(report.ok for report in await SqlAuditTrail(database).verify())


async def test_failing_units_harm_no_other(database: Database) -> None:
    """Of many units in one batch those that fail leave nothing, and all others are done."""
    errors: dict[int, Exception] = {
        3: NotFound("no"),
        5: ValueError("a defect"),
        8: LimitExceeded("full"),
    }
    units = [_Add(f"s-{number}", errors.get(number)) for number in range(12)]
    results = await asyncio.gather(
        *(database.write(unit) for unit in units), return_exceptions=True
    )
    good = {f"s-{number}" for number in range(12) if number not in errors}
    assert {result for result in results if isinstance(result, str)} == good
    assert {number: results[number] for number in errors} == errors
    assert await _stored(database) == (good, good)
    assert await _all_good(database)


async def test_broken_constraint_harms_no_other(database: Database) -> None:
    """A unit that runs into a constraint is told to try again, and the batch goes on."""
    results = await asyncio.gather(
        *(database.write(_Add(name)) for name in ("a", "b", "a", "c")), return_exceptions=True
    )
    assert isinstance(results[2], Interrupted)
    assert results[:2] + results[3:] == ["a", "b", "c"]
    assert await _stored(database) == ({"a", "b", "c"}, {"a", "b", "c"})


async def test_failing_statement_fails_the_batch_as_unavailable(database: Database) -> None:
    """An error of the database itself fails all that shared the transaction, translated, and the
    next write works."""

    def nonsense(transaction: Transaction) -> None:
        transaction.connection.execute(text("SELECT nothing FROM nowhere"))

    results = await asyncio.gather(
        database.write(_Add("a")), database.write(nonsense), return_exceptions=True
    )
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert await database.write(_Add("b")) == "b"
    assert await _stored(database) == ({"b"}, {"b"})
    assert await _all_good(database)


async def test_chain_goes_on_after_a_restart(store_url: str, clock: StandingClock) -> None:
    """A process that starts again continues the chain of its slot where it ended."""
    for name in ("a", "b"):
        database = Database(store_url, chain="local/front-0", clock=clock)
        await database.start()
        await database.write(_Add(name))
        heads = await SqlAuditTrail(database).heads()
        assert await _all_good(database)
        await database.close()
    assert {chain: head.length for chain, head in heads.items()} == {"local/front-0": 2}


async def test_chain_used_by_two_is_noticed(store_url: str, clock: StandingClock) -> None:
    """Two processes with one chain do not break it: the one that is behind fails and catches
    up."""
    first, second = (Database(store_url, chain="local/front-0", clock=clock) for _ in range(2))
    await first.start()
    await second.start()
    await first.write(_Add("a"))
    with pytest.raises(StoreUnavailable) as caught:
        await second.write(_Add("b"))
    assert caught.value.reason == "STORE_CHAIN_TAKEN"
    assert await second.write(_Add("c")) == "c"
    assert await _stored(second) == ({"a", "c"}, {"a", "c"})
    assert await _all_good(second)
    await first.close()
    await second.close()


async def test_chain_with_uncounted_records_takes_no_more(database: Database) -> None:
    """A chain whose head was set back is not continued over the records that are there."""
    await database.write(_Add("a"))
    await database.write(_Add("b"))
    first = (await SqlAuditTrail(database).records_after(0, 1))[0]
    await _set_head(database, ChainHead(first.sequence, first.hash))
    with pytest.raises(StoreUnavailable) as caught:
        await database.write(_Add("c"))
    assert caught.value.reason == "STORE_CHAIN_TAKEN"
    with pytest.raises(StoreUnavailable) as caught:
        await database.write(_Add("c"))
    assert caught.value.reason == "STORE_CORRUPT"
    assert "signerd audit verify" in caught.value.message


async def _set_head(database: Database, head: ChainHead) -> None:
    await database.write(
        lambda transaction: transaction.connection.execute(
            audit_heads.update().values(length=head.length, head_hash=head.hash)
        )
    )


async def test_queue_is_bounded(store_url: str, clock: StandingClock) -> None:
    """More writes than the queue takes are refused at once, and the others are done."""
    database = Database(store_url, chain="c", clock=clock, queue_limit=5)
    await database.start()
    results = await asyncio.gather(
        *(database.write(_Add(f"s-{number}")) for number in range(8)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, LimitExceeded)]
    assert len(refused) == 3
    assert all(error.reason == "STORE_QUEUE_FULL" and error.retry_after_s for error in refused)
    assert await database.write(_Add("later")) == "later"
    await database.close()


async def test_work_of_a_caller_that_went_is_not_done(database: Database) -> None:
    """A write whose caller was cancelled before its turn leaves nothing."""
    release = threading.Event()
    blocked = asyncio.create_task(database.write(lambda _: release.wait(10)))
    await asyncio.sleep(0.05)
    gone = asyncio.create_task(database.write(_Add("gone")))
    stays = asyncio.create_task(database.write(_Add("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(blocked, stays)
    assert await _stored(database) == ({"stays"}, {"stays"})


async def test_close_finishes_what_waits(store_url: str, clock: StandingClock) -> None:
    """Everything that was accepted is written before the database closes, and nothing after."""
    database = Database(store_url, chain="c", clock=clock)
    await database.start()
    calls = [asyncio.create_task(database.write(_Add(f"s-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*calls)) == 20
    for use in (database.write(_Add("late")), database.read(lambda _: None)):
        with pytest.raises(StoreUnavailable) as caught:
            await use
        assert caught.value.reason == "STORE_CLOSED"
    await database.close()


async def test_defect_in_a_merger_reaches_all_its_callers(database: Database) -> None:
    """A defect outside the units is an Internal error for those concerned, and the writer
    lives."""

    def merger(_: Transaction, items: object) -> list[None]:
        raise RuntimeError(f"cannot merge {items!r}")

    results = await asyncio.gather(
        *(database.merge(Merger(merger), number) for number in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [Internal] * 3
    assert len({id(result) for result in results}) == 3
    assert await database.write(_Add("a")) == "a"


async def test_writer_waits_for_its_turn(store_url: str, database: Database) -> None:
    """While another process of the daemon holds the write lock a write waits, without asking
    SQLite again and again, and goes on once it is free."""
    path = Path(store_url.removeprefix("sqlite:///") + ".lock")
    lock = os.open(path, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    write = asyncio.create_task(database.write(_Add("a")))
    await asyncio.sleep(0.2)
    assert not write.done()
    os.close(lock)
    assert await asyncio.wait_for(write, 5) == "a"


async def test_database_held_by_another_program_is_busy(store_url: str, database: Database) -> None:
    """A program that keeps the write lock makes writes fail as busy, and reads go on."""
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    write = asyncio.create_task(database.write(_Add("a")))
    begun = time.monotonic()
    assert await _stored(database) == (set(), set())
    assert time.monotonic() - begun < 2
    with pytest.raises(StoreUnavailable) as caught:
        await write
    assert caught.value.reason == "STORE_BUSY"
    connection.close()
    assert await database.write(_Add("a")) == "a"


def _move_away(path: Path) -> Callable[[], object]:
    """Rename a file; returns what puts it back."""
    moved = path.with_name("moved.db")
    path.rename(moved)
    return lambda: moved.rename(path)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_moved_database_is_noticed(store_url: str, clock: StandingClock) -> None:
    """Writes to a file that was moved away are refused instead of being lost; once the file is
    back, they work again."""
    path = Path(store_url.removeprefix("sqlite:///"))
    database = Database(store_url, chain="c", clock=clock)
    await database.start()
    back = _move_away(path)
    with pytest.raises(StoreUnavailable) as caught:
        await database.write(_Add("a"))
    assert caught.value.reason == "STORE_MOVED"
    back()
    assert await database.write(_Add("a")) == "a"
    await database.close()


async def test_event_loop_is_not_blocked(database: Database) -> None:
    """While a write takes long the event loop turns."""
    release = threading.Event()
    write = asyncio.create_task(database.write(lambda _: release.wait(10)))
    turns = 0
    begun = time.monotonic()
    while time.monotonic() - begun < 0.2:
        await asyncio.sleep(0.001)
        turns += 1
    release.set()
    assert await write
    assert turns > 20


async def test_database_without_a_chain_only_reads(store_url: str, clock: StandingClock) -> None:
    """A process that names no chain reads, writes nothing, and leaves no chain behind."""
    database = Database(store_url, chain="", clock=clock)
    await database.start()
    with pytest.raises(StoreUnavailable):
        await database.write(_Add("a"))
    assert await SqlAuditTrail(database).heads() == {}
    await database.close()


async def test_closed_database_leaves_nothing_open(store_url: str, clock: StandingClock) -> None:
    """Threads and files of a database end with it."""
    files = _open_files()
    for _ in range(3):
        database = Database(store_url, chain="c", clock=clock)
        await database.start()
        await database.write(lambda _: None)
        await database.close()
    gc.collect()
    assert _open_files() <= files
    assert [thread.name for thread in threading.enumerate() if "store" in thread.name] == []
