"""The thread that writes: everything that waits goes into one transaction and one sync."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from signerd.core.error import LimitExceeded, StoreUnavailable
from signerd.store.batch import (
    Job,
    Merger,
    Outcome,
    Unit,
    failed,
    hot_merger,
    run_batch,
    run_hot,
)
from signerd.store.failure import translated
from signerd.store.file_identity import FileIdentity
from signerd.store.hot import HotTransaction
from signerd.store.transaction import Transaction, load_head
from signerd.store.write_lock import WriteLock

if TYPE_CHECKING:
    from signerd.audit.chain import ChainHead

_T = TypeVar("_T")
_Item = TypeVar("_Item")

# Bounds the time for which other processes wait and the rows of one statement.
_BATCH_LIMIT: Final = 512
_QUEUE_FULL_RETRY_S: Final = 0.2


class Writer:
    """One connection, one thread, one audit chain.

    `run` and `merge` belong to the event loop in which the writer was made; only `_work` and what
    it calls runs in the thread.
    """

    def __init__(
        self,
        engine: Engine,
        lock: WriteLock,
        *,
        chain: str,
        queue_limit: int,
        identity: FileIdentity,
    ) -> None:
        self._engine = engine
        self._lock = lock
        self._chain = chain
        self._queue_limit = queue_limit
        self._identity = identity
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Job] = deque()
        # Waking a thread costs more than a job: it is done only where the thread waits for it.
        self._signal: SimpleQueue[None] = SimpleQueue()
        self._is_idle = False
        self._waiting = 0
        self._is_closed = False
        # Of the thread:
        self._connection: Connection | None = None
        self._head: ChainHead | None = None
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, unit: Unit[_T]) -> _T:
        """Run a unit in a transaction; returns once it is durable.

        Raises what the unit raises, StoreUnavailable, and LimitExceeded (STORE_QUEUE_FULL).
        """
        future: asyncio.Future[_T] = self._loop.create_future()
        self._submit(Job(future, unit=unit))
        return await future

    async def merge(self, merger: Merger[_Item, _T], item: _Item) -> _T:
        """Have an item written together with all others of the same merger; otherwise as `run`.

        Mergers are told apart by identity: pass the same object each time.
        """
        future: asyncio.Future[_T] = self._loop.create_future()
        self._submit(Job(future, merger=merger, item=item))
        return await future

    async def close(self) -> None:
        """Write what waits, then end the thread and give the connection back."""
        self._is_closed = True
        self._signal.put(None)
        await asyncio.to_thread(self._thread.join)

    def _submit(self, job: Job) -> None:
        if self._is_closed:
            raise StoreUnavailable("the daemon is stopping; try again", reason="STORE_CLOSED")
        if self._waiting >= self._queue_limit:
            raise LimitExceeded(
                "too many writes are waiting for the database; try again",
                reason="STORE_QUEUE_FULL",
                retry_after_s=_QUEUE_FULL_RETRY_S,
            )
        self._waiting += 1
        self._jobs.append(job)
        if self._is_idle:
            self._is_idle = False
            self._signal.put(None)

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        self._waiting -= len(outcomes)
        for outcome in outcomes:
            if outcome.future.done():
                continue
            if outcome.error is not None:
                outcome.future.set_exception(outcome.error)
            else:
                outcome.future.set_result(outcome.result)

    def _work(self) -> None:
        while self._has_jobs():
            # Collected under the lock: what comes while another process writes joins the batch.
            with self._lock:
                outcomes = self._commit(self._collect())
            try:
                self._loop.call_soon_threadsafe(self._settle, outcomes)
            except RuntimeError:  # the loop was closed without closing the database
                break
        self._discard()

    def _has_jobs(self) -> bool:
        """Wait for some; False when there will be no more."""
        while not self._jobs:
            self._is_idle = True
            # Looked at again: a job may have come before the word that somebody waits for it.
            if not self._jobs:
                if self._is_closed:
                    return False
                self._signal.get()
            self._is_idle = False
        return True

    def _collect(self) -> list[Job]:
        return [self._jobs.popleft() for _ in range(min(len(self._jobs), _BATCH_LIMIT))]

    def _commit(self, jobs: Sequence[Job]) -> list[Outcome]:
        live: list[Job] = []
        gone: list[Outcome] = []
        for job in jobs:
            # Work whose caller has gone is not done.
            if job.future.cancelled():
                gone.append(Outcome(job.future))
            else:
                live.append(job)
        try:
            return (self._transact(live) if live else []) + gone
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave everyone waiting
            self._discard()
            return failed(live, error) + gone

    def _transact(self, jobs: Sequence[Job]) -> list[Outcome]:
        with translated():
            connection = self._connected()
            merger = hot_merger(jobs)
            if merger is not None and self._head is not None:
                outcomes = self._transact_hot(connection, merger, jobs, self._head)
                if outcomes is not None:
                    return outcomes
            with connection.begin():
                head = self._head or load_head(connection, self._chain)
                transaction = Transaction(connection)
                outcomes = run_batch(transaction, jobs)
                head = transaction.append_to_chain(self._chain, head)
        self._head = head
        return outcomes

    def _transact_hot(
        self,
        connection: Connection,
        merger: Merger[Any, Any],
        jobs: Sequence[Job],
        head: "ChainHead",
    ) -> list[Outcome] | None:
        """None, and nothing done, where the long way is needed."""
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            return None
        transaction = HotTransaction(driver)
        outcomes = run_hot(transaction, merger, jobs)
        if outcomes is None:
            transaction.roll_back()
            return None
        self._head = transaction.commit(self._chain, head)
        return outcomes

    def _connected(self) -> Connection:
        self._identity.check()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _discard(self) -> None:
        """Drop the connection, whose state is not known, and what was known of the chain."""
        self._head = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
