"""The thread that writes: everything that waits goes into one transaction and one sync."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from signerd.core.error import LimitExceeded, StoreUnavailable
from signerd.store.batch import Job, Merger, Outcome, Unit, failed, run_batch
from signerd.store.failure import translated
from signerd.store.file_identity import FileIdentity
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
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
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
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
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
        self._queue.put(job)

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
        is_last = False
        while not is_last and (first := self._queue.get()) is not None:
            # Collected under the lock: what comes while another process writes joins the batch.
            with self._lock:
                jobs, is_last = self._collect(first)
                outcomes = self._commit(jobs)
            try:
                self._loop.call_soon_threadsafe(self._settle, outcomes)
            except RuntimeError:  # the loop was closed without closing the database
                break
        self._discard()

    def _collect(self, first: Job) -> tuple[list[Job], bool]:
        jobs = [first]
        for _ in range(min(self._queue.qsize(), _BATCH_LIMIT - 1)):
            job = self._queue.get()
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

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
            with connection.begin():
                head = self._head or load_head(connection, self._chain)
                transaction = Transaction(connection)
                outcomes = run_batch(transaction, jobs)
                head = transaction.append_to_chain(self._chain, head)
        self._head = head
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
