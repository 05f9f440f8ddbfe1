"""A refused PIN is not tried again until an operator says so.

Real tokens lock at the third wrong try, and several processes that restart would use those up in
a second. The first refusal therefore leaves a file, and while it is there nobody tries.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

_SUFFIX: Final = ".latch"


class PinLatch:
    """The latches of one state directory, which must exist."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def is_set(self, serial: str) -> bool:
        """True when the PIN of the token with this serial was refused."""
        return self._path(serial).exists()

    def set(self, serial: str, now_utc: datetime) -> None:
        """Remember a refusal. The file holds the time and no PIN."""
        path = self._path(serial)
        path.touch(mode=0o600)
        path.write_text(f"PIN refused at {now_utc.astimezone(UTC).isoformat()}\n")

    def _path(self, serial: str) -> Path:
        return self._directory / (quote(serial, safe="") + _SUFFIX)


def clear_latches(directory: Path) -> list[str]:
    """Allow the PINs to be tried again; returns the serials of the tokens concerned."""
    cleared = []
    for path in sorted(directory.glob("*" + _SUFFIX)):
        path.unlink(missing_ok=True)
        cleared.append(unquote(path.name.removesuffix(_SUFFIX)))
    return cleared
