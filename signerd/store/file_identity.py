"""Notices that a database file is no longer the one that was opened."""

from pathlib import Path

from signerd.store.failure import unavailable


class FileIdentity:
    """Device and inode of a file.

    SQLite goes on writing to a file that was deleted or replaced under it, and everything
    answered from then on would be lost.
    """

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError."""
        self._path = path
        self._opened = _inode(path)

    def check(self) -> None:
        """Raises StoreUnavailable (STORE_MOVED)."""
        try:
            now = _inode(self._path)
        except OSError:
            now = None
        if now != self._opened:
            raise unavailable(
                "STORE_MOVED",
                f"the database {self._path} was moved or replaced while the daemon ran; put it "
                "back, or restart the daemon",
            )


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
