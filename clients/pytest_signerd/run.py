"""What the processes of one test run share: a directory that is there once it is needed."""

import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pytest_signerd import guard


@dataclass(frozen=True, slots=True)
class TestRun:
    """owner: the process whose end is the end of the run. directory: directly under the temporary
    one, because paths of Unix sockets are limited to 107 bytes."""

    __test__ = False  # for pytest, which would take it for a test

    owner: int
    directory: str

    @classmethod
    def begin(cls) -> Self:
        """The run of this process. Nothing is made before somebody asks for the place."""
        return cls(os.getpid(), f"{tempfile.gettempdir()}/sd{secrets.token_hex(5)}")

    def place(self) -> Path:
        """The directory, made on first use, and from then on cleaned up whatever happens."""
        directory = Path(self.directory)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            return directory
        # Not through subprocess, whose objects complain about children that outlive them.
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", guard.__file__, str(self.owner), self.directory],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0)
                for descriptor in (0, 1, 2)
            ],
        )
        return directory

    def end(self) -> None:
        """Stop the daemons and remove everything; the owner calls it."""
        if Path(self.directory).exists():
            guard.end_daemons(Path(self.directory))
