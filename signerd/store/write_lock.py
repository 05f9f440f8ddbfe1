"""Who writes next, on SQLite.

SQLite lets one connection write at a time and makes the others poll with growing sleeps. A kernel
lock on a file beside the database wakes the next writer at once instead. It only orders the
writers of the daemon: SQLite's own lock still guards the data.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from signerd.store.failure import unavailable


class WriteLock:
    """One lock file; held while a batch is collected and written."""

    def __init__(self, database: Path) -> None:
        """Open the lock file. Raises StoreUnavailable (STORE_READ_ONLY)."""
        self._file = _open(database.with_name(database.name + ".lock"))

    def __enter__(self) -> Self:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unavailable(
            "STORE_READ_ONLY",
            f"cannot open {path}: {error.strerror}; the directory of the database must be "
            "writable for the daemon",
        ) from error
