"""The one place where database errors become ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from signerd.core.error import Interrupted, StoreUnavailable

_FULL: Final = (
    "STORE_FULL",
    "the disk of the database is full; free space on it, the daemon then goes on by itself",
)
_CORRUPT: Final = (
    "STORE_CORRUPT",
    "the database is damaged; stop the daemon and restore the database from a backup",
)
_BUSY: Final = (
    "STORE_BUSY",
    "another process holds the database for too long; try again, and find who has it open",
)
_READ_ONLY: Final = (
    "STORE_READ_ONLY",
    "the database cannot be written; check owner and mode of file and directory, and the mount",
)
_CANNOT_OPEN: Final = (
    "STORE_UNAVAILABLE",
    "the database file cannot be opened; check that it is there, and owner and mode of all of it",
)
_OUT_OF_REACH: Final = (
    "STORE_UNAVAILABLE",
    "the database did not answer as it should; try again, the log has the cause",
)
_RETRY_AFTER_S: Final = {"STORE_FULL": 5.0, "STORE_BUSY": 1.0}

# SQLite's primary result codes (sqlite.org/rescode.html): the low byte of the extended code.
_SQLITE: Final = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
}


def unavailable(reason: str, message: str) -> StoreUnavailable:
    """The error for a database that fails, with the time after which another try may help."""
    return StoreUnavailable(message, reason=reason, retry_after_s=_RETRY_AFTER_S.get(reason))


def corrupt(what: str) -> StoreUnavailable:
    """The error for a stored value that cannot have been written by the daemon."""
    return unavailable("STORE_CORRUPT", f"{what}: {_CORRUPT[1]}")


def _meaning_of(cause: BaseException | None) -> tuple[str, str]:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        # The driver itself, on text that is not UTF-8.
        return _CORRUPT if "decode" in str(cause) else _OUT_OF_REACH
    return _SQLITE.get(code & 0xFF, _OUT_OF_REACH)


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable (STORE_FULL, STORE_CORRUPT, STORE_BUSY, STORE_READ_ONLY or
    STORE_UNAVAILABLE) or Interrupted in place of any error of SQLAlchemy or the driver."""
    try:
        yield
    except IntegrityError as error:
        # The units look before they write: a constraint bites only when someone else was faster.
        raise Interrupted(
            "someone else changed the same records at the same moment; try again",
            retry_after_s=0.1,
        ) from error
    except SQLAlchemyError as error:
        raise unavailable(
            *_meaning_of(error.orig if isinstance(error, DBAPIError) else None)
        ) from error


class TranslatedDriver:
    """As `translated`, for statements that go to the driver itself: a class and not a generator,
    because it stands around every signature."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, sqlite3.Error):
            raise unavailable(*_meaning_of(error)) from error


_DRIVER: Final = TranslatedDriver()


def translated_driver() -> TranslatedDriver:
    """Raise StoreUnavailable in place of any error of the driver."""
    return _DRIVER
