"""The database of one process: a writer, a few readers, one audit chain."""

import asyncio
from typing import Final, TypeVar

from signerd.core.clock import Clock
from signerd.core.error import SignerdError, StoreUnavailable
from signerd.store.batch import Merger, Unit
from signerd.store.engine import open_reader, open_writer
from signerd.store.file_identity import FileIdentity
from signerd.store.location import database_path, parse_url
from signerd.store.migration import broken, check_schema
from signerd.store.reader import THREADS, Query, Reader
from signerd.store.write_lock import WriteLock
from signerd.store.writer import Writer

_T = TypeVar("_T")
_Item = TypeVar("_Item")

_QUEUE_LIMIT: Final = 4096


class Database:
    """What the Sql* stores work on. Belongs to the event loop in which it was started.

    chain: name of the audit chain of this process; no other process may use it at the same time.
    Empty for a process that only reads.
    """

    def __init__(
        self, url: str, *, chain: str, clock: Clock, queue_limit: int = _QUEUE_LIMIT
    ) -> None:
        """Raises BootError (CONFIG_INVALID) for a URL that is none."""
        self._url = parse_url(url)
        self._chain = chain
        self._queue_limit = queue_limit
        self.clock = clock
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        self._lock: WriteLock | None = None

    async def start(self) -> None:
        """Open the database. Raises BootError (STORE_BROKEN) when it is missing, damaged,
        read-only, or of another schema than this version's."""
        path = database_path(self._url)
        if not path.is_file():
            raise broken(
                f"there is no database at {path}; restore the one that was there, or run "
                "`signerd init` for a new one"
            )
        engine = open_reader(self._url, THREADS)
        self._reader = Reader(engine, queue_limit=self._queue_limit)
        try:
            await asyncio.to_thread(check_schema, engine)
            if not self._chain:
                return
            self._lock = WriteLock(path)
            self._writer = Writer(
                open_writer(self._url),
                self._lock,
                chain=self._chain,
                queue_limit=self._queue_limit,
                identity=FileIdentity(path),
            )
            # The first transaction finds or makes the head of the chain, and so proves that the
            # database can be written.
            await self._writer.run(lambda _: None)
        except SignerdError as error:
            await self.close()
            raise broken(f"cannot write the database: {error.message}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what waits and close. Safe to repeat."""
        writer, self._writer = self._writer, None
        reader, self._reader = self._reader, None
        lock, self._lock = self._lock, None
        if writer is not None:
            await writer.close()
        if reader is not None:
            await reader.close()
        if lock is not None:
            lock.close()

    async def write(self, unit: Unit[_T]) -> _T:
        """Run a unit in a transaction; returns once it is durable.

        Raises what the unit raises, StoreUnavailable and LimitExceeded (STORE_QUEUE_FULL).
        """
        return await self._open_writer().run(unit)

    async def merge(self, merger: Merger[_Item, _T], item: _Item) -> _T:
        """Write an item together with all that wait for the same merger; raises as `write`."""
        return await self._open_writer().merge(merger, item)

    async def read(self, query: Query[_T]) -> _T:
        """Run a query in a snapshot. Raises what it raises, StoreUnavailable, LimitExceeded."""
        if self._reader is None:
            raise _closed()
        return await self._reader.run(query)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise _closed()
        return self._writer


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the database is not open", reason="STORE_CLOSED")
