"""A few threads that read, so that the event loop never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from signerd.core.error import LimitExceeded, StoreUnavailable
from signerd.store.failure import translated

_T = TypeVar("_T")

Query = Callable[[Connection], _T]
"""Reads inside one snapshot."""

THREADS: Final = 2
_QUEUE_FULL_RETRY_S: Final = 0.2


class Reader:
    """Belongs to the event loop in which it is used."""

    def __init__(self, engine: Engine, *, queue_limit: int) -> None:
        self._engine = engine
        self._queue_limit = queue_limit
        self._waiting = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reader")
        self._is_closed = False

    async def run(self, query: Query[_T]) -> _T:
        """Run a query in a read transaction.

        Raises what it raises, StoreUnavailable and LimitExceeded (STORE_QUEUE_FULL).
        """
        if self._is_closed:
            raise StoreUnavailable("the daemon is stopping; try again", reason="STORE_CLOSED")
        if self._waiting >= self._queue_limit:
            raise LimitExceeded(
                "too many reads are waiting for the database; try again",
                reason="STORE_QUEUE_FULL",
                retry_after_s=_QUEUE_FULL_RETRY_S,
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._read, query)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Let running queries end, then give the connections back."""
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    def _read(self, query: Query[_T]) -> _T:
        with translated(), self._engine.connect() as connection:
            return query(connection)
