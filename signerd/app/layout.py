"""Where things lie in the state directory."""

from dataclasses import dataclass
from pathlib import Path

from signerd.core.boot import BootError, ExitCode

# sockaddr_un has room for 107 bytes (unix(7)).
_LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Sockets, pulses and process list of a running daemon; only its user may enter."""

    path: Path

    def host_socket(self, name: str) -> Path:
        """Where a token host listens for fronts."""
        return self._socket(f"{name}.sock")

    def admin_socket(self, front: str) -> Path:
        """Where a front listens for the local operator; admin.sock leads to one that is up."""
        return self._socket(f"admin-{front}.sock")

    def pulse(self, name: str) -> Path:
        """The sign of life of a process."""
        return self.path / f"{name}.pulse"

    def _socket(self, name: str) -> Path:
        path = self.path / name
        if len(str(path).encode()) > _LONGEST_SOCKET_PATH:
            raise BootError(
                ExitCode.CONFIG_INVALID,
                f"the path of the socket {path} is longer than the {_LONGEST_SOCKET_PATH} bytes "
                "a Unix socket may have; choose a shorter [server] state_directory",
            )
        return path


def run_directory(state_directory: Path) -> RunDirectory:
    """The run directory of a state directory."""
    return RunDirectory(state_directory / "run")


def latch_directory(state_directory: Path) -> Path:
    """Where refused PINs are remembered; outlives the daemon."""
    return state_directory / "latch"


def mailbox_directory(state_directory: Path) -> Path:
    """Where messages lie that are not sent to anybody, in test harnesses."""
    return state_directory / "mailbox"


def host_names(count: int) -> list[str]:
    """Names of the token hosts."""
    return [f"host-{number}" for number in range(count)]


def front_names(count: int) -> list[str]:
    """Names of the fronts."""
    return [f"front-{number}" for number in range(count)]


KEEPER = "keeper"
PUBLISHER = "publisher"
