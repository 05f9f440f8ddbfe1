"""Connections to the database, and everything that only SQLite needs to be told."""

import sqlite3
from typing import Final

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from signerd.store.location import existing_file_url

_BUSY_S: Final = 5.0


def open_writer(url: URL) -> Engine:
    """For one thread that holds one connection. A transaction takes the write lock at once."""
    return _open(url, is_writer=True, connections=1)


def open_reader(url: URL, connections: int) -> Engine:
    """For threads that only read; a transaction is a snapshot."""
    return _open(url, is_writer=False, connections=connections)


def _open(url: URL, *, is_writer: bool, connections: int) -> Engine:
    engine = create_engine(
        existing_file_url(url),
        # Values of a failed statement must not reach a log.
        hide_parameters=True,
        connect_args={
            "timeout": _BUSY_S,
            # The driver begins no transactions: `_begin` does, and includes reads and DDL.
            "isolation_level": None,
            "check_same_thread": False,
        },
        **({"poolclass": NullPool} if is_writer else _pool(connections)),
    )
    # One INSERT with many VALUES lets go of the interpreter's lock once instead of at each row,
    # which more than halves the time of a batch while the event loop is busy.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    event.listen(engine, "connect", _set_up_writer if is_writer else _set_up_reader)
    event.listen(engine, "begin", _begin_write if is_writer else _begin_read)
    return engine


def _pool(connections: int) -> dict[str, object]:
    return {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0}


def _set_up_writer(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # In WAL mode only FULL syncs at each commit; NORMAL would lose answered signatures.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is erased is gone from the file with the next checkpoint, and not only out of sight.
    connection.execute("PRAGMA secure_delete = ON")


def _set_up_reader(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA query_only = ON")


def _begin_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
