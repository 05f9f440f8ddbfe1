"""A process's sign of life, in shared memory.

A process says "I am alive now, and may be silent for so long"; the supervisor kills it when that
time has passed. The rule is the same for an idle process, which promises to speak again within
seconds, and for one inside a PKCS#11 call, which promises to come back within the limit of that
call. It works for a process that is stopped or stuck inside C code, because reading needs nothing
of the other side.
"""

import mmap
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Two doubles, each written in one store: the supervisor reads at any moment, and must not find a
# beat half written. (struct.pack_into fills with zeros first.)
_DEADLINE: Final = 0  # end of the silence allowed, seconds of CLOCK_MONOTONIC, which all share
_READY: Final = 1  # 1.0 once the process has come up
_SIZE: Final = 16


class Pulse:
    """The writing end, held by the process itself."""

    def __init__(self, path: Path) -> None:
        """Open the file that the supervisor made; raises FileNotFoundError without it."""
        with path.open("r+b") as file:
            self._memory = _doubles(file.fileno())

    def beat(self, allowed_s: float) -> None:
        """Be alive now and silent for at most allowed_s seconds."""
        self._memory[_DEADLINE] = time.monotonic() + allowed_s

    def ready(self, allowed_s: float) -> None:
        """Have come up."""
        self.beat(allowed_s)
        self._memory[_READY] = 1.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a watcher reads. overdue_s is how long the promised silence has been exceeded."""

    is_ready: bool
    overdue_s: float


class PulseWatch:
    """The reading end, held by the supervisor, which makes the file."""

    def __init__(self, path: Path, *, start_allowed_s: float) -> None:
        """Make the file; the process has start_allowed_s seconds until its first beat."""
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Real blocks: writing to a hole of the file on a full disk would be SIGBUS.
            os.posix_fallocate(fd, 0, _SIZE)
            self._memory = _doubles(fd)
        finally:
            os.close(fd)
        self.expect_start(start_allowed_s)

    def expect_start(self, start_allowed_s: float) -> None:
        """Begin anew, for a successor of a process that has ended."""
        self._memory[_READY] = 0.0
        self._memory[_DEADLINE] = time.monotonic() + start_allowed_s

    def read(self) -> Vitals:
        """The vitals now."""
        return Vitals(
            is_ready=self._memory[_READY] != 0.0,
            overdue_s=time.monotonic() - self._memory[_DEADLINE],
        )


def _doubles(fd: int) -> "memoryview[float]":
    return memoryview(mmap.mmap(fd, _SIZE)).cast("d")
