"""The transaction of a signature, said to the driver itself.

Everything else goes through SQLAlchemy. Here its share was five sixths of the time, and the thread
that writes shares the interpreter with the event loop. Each statement has a fixed text for each
power of two of rows, so that the driver prepares it once, and inserts many rows in one step: the
driver lets go of the interpreter's lock at each step and waits to get it back.
"""

import functools
import sqlite3
from collections.abc import Collection, Sequence
from typing import Final

from signerd.audit.chain import ChainHead
from signerd.core.lifecycle import CredentialState
from signerd.store.event_row import COLUMNS, EncodedEvent, place_events
from signerd.store.failure import translated_driver
from signerd.store.transaction import beyond_head, chain_taken

_MOST_ROWS: Final = 64
_ADVANCE_HEAD: Final = (
    "UPDATE audit_heads SET length = ?, head_hash = ? "
    "WHERE chain = ? AND length = ? AND head_hash = ?"
)


class HotTransaction:
    """An open transaction that looks at credentials and puts events on record, nothing else."""

    __slots__ = ("_driver", "_events")

    def __init__(self, driver: sqlite3.Connection) -> None:
        """Begin. Raises StoreUnavailable, as every method does."""
        self._driver = driver
        self._events: list[EncodedEvent] = []
        with translated_driver():
            driver.execute("BEGIN IMMEDIATE")

    def active(self, ids: Collection[str]) -> set[str]:
        """Which of these credentials sign."""
        found: set[str] = set()
        wanted = list(ids)
        for start in range(0, len(wanted), _MOST_ROWS):
            some = wanted[start : start + _MOST_ROWS]
            size = _power(len(some))
            some += some[-1:] * (size - len(some))
            with translated_driver():
                rows = self._driver.execute(_select_active(size), some)
                found.update(row[0] for row in rows.fetchall())
        return found

    def record_encoded(self, event: EncodedEvent) -> None:
        """Put an event on record."""
        self._events.append(event)

    def commit(self, chain: str, head: ChainHead) -> ChainHead:
        """Write the events to the end of a chain, and make all durable; the head afterwards."""
        new_head = head
        if self._events:
            rows, new_head = place_events(self._events, chain, head)
            advance = (new_head.length, new_head.hash, chain, head.length, head.hash)
            with translated_driver():
                if self._driver.execute(_ADVANCE_HEAD, advance).rowcount != 1:
                    raise chain_taken(chain)
                try:
                    self._insert(rows)
                except sqlite3.IntegrityError as error:
                    raise beyond_head(chain) from error
        with translated_driver():
            self._driver.execute("COMMIT")
        return new_head

    def roll_back(self) -> None:
        """Nothing has happened."""
        with translated_driver():
            self._driver.execute("ROLLBACK")

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        start = 0
        while start < len(rows):
            remaining = min(len(rows) - start, _MOST_ROWS)
            size = 1 << (remaining.bit_length() - 1)
            values = [value for row in rows[start : start + size] for value in row]
            self._driver.execute(_insert_events(size), values)
            start += size


def _power(number: int) -> int:
    """The smallest power of two that is not less."""
    return 1 << (number - 1).bit_length()


@functools.cache
def _select_active(size: int) -> str:
    state = CredentialState.ACTIVE.value
    places = ", ".join("?" * size)
    return (
        f"SELECT credential_id FROM credentials WHERE state = '{state}' "  # noqa: S608 - constants
        f"AND credential_id IN ({places})"
    )


@functools.cache
def _insert_events(size: int) -> str:
    places = ", ".join(["(" + ", ".join("?" * len(COLUMNS)) + ")"] * size)
    return f"INSERT INTO audit_events ({', '.join(COLUMNS)}) VALUES {places}"  # noqa: S608 - constants
