"""The supervisor's files in the run directory: locks, process list, link to the admin socket."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from signerd.core.boot import BootError, ExitCode
from signerd.supervisor.child import Child

_POLL_S: Final = 0.1
_PID_WIDTH: Final = 10  # every pid overwrites the whole of the one before


@contextmanager
def claim(run_directory: Path, *, orphan_wait_s: float) -> Iterator[int]:
    """Own the run directory; gives the descriptor that every child inherits.

    The lock on it lasts until the last child has gone, also when the supervisor is killed, so no
    process of a new run meets one of the old. Raises BootError when another supervisor runs here
    or its children are still there after orphan_wait_s.
    """
    _prepare(run_directory)
    with _opened(run_directory / "supervisor.pid") as own:
        if not _locked(own):
            pid = os.pread(own, 32, 0).strip(b" \0\n").decode()
            raise BootError(
                ExitCode.ADDRESS_IN_USE,
                f"another supervisor (process {pid}) runs on {run_directory.parent}; stop it, or "
                "choose another [server] state_directory",
            )
        with _opened(run_directory / "children.lock") as children:
            _await_orphans(children, run_directory, orphan_wait_s)
            os.pwrite(own, f"{os.getpid():<{_PID_WIDTH}}\n".encode(), 0)
            yield children


def write_processes(run_directory: Path, children: Iterable[Child]) -> None:
    """Write processes.json: `processes` that run now, and `absent` ones with the reason."""
    running: list[dict[str, object]] = []
    absent: list[dict[str, object]] = []
    for child in children:
        entry: dict[str, object] = {
            "name": child.spec.name,
            "group": child.spec.group.value,
            "state": child.state.value,
            "restarts": child.restarts,
        }
        if child.pid is None:
            absent.append(entry)
        else:
            running.append({**entry, "pid": child.pid})
    document = {"supervisor": os.getpid(), "processes": running, "absent": absent}
    draft = run_directory / "processes.json.new"
    draft.write_text(json.dumps(document, indent=2) + "\n")
    draft.replace(run_directory / "processes.json")


def link_admin_socket(run_directory: Path, front: str) -> None:
    """Make admin.sock lead to the socket of a front, without a moment in which it is absent."""
    draft = run_directory / "admin.sock.new"
    draft.unlink(missing_ok=True)
    draft.symlink_to(f"admin-{front}.sock")
    draft.replace(run_directory / "admin.sock")


def clean(run_directory: Path, names: Iterable[str]) -> None:
    """Take away what says that something runs; the lock files stay."""
    for name in ("admin.sock", "processes.json", *(f"{name}.pulse" for name in names)):
        (run_directory / name).unlink(missing_ok=True)


def _prepare(run_directory: Path) -> None:
    try:
        run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_directory.chmod(0o700)
        for name in ("supervisor.pid", "children.lock"):
            with _opened(run_directory / name) as descriptor:
                os.posix_fallocate(descriptor, 0, _PID_WIDTH + 1)
    except OSError as error:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"{run_directory} cannot be used: {error.strerror}; give the daemon's user room and "
            "write permission there, or choose another [server] state_directory",
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _await_orphans(descriptor: int, run_directory: Path, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not _locked(descriptor):
        if time.monotonic() > deadline:
            raise BootError(
                ExitCode.ADDRESS_IN_USE,
                f"processes of an earlier run still work on {run_directory.parent}"
                f"{_listed(run_directory)}; end them and start again",
            )
        time.sleep(_POLL_S)


def _listed(run_directory: Path) -> str:
    try:
        entries = json.loads((run_directory / "processes.json").read_text())["processes"]
        return " (" + ", ".join(f"{one['name']}: {one['pid']}" for one in entries) + ")"
    except (OSError, ValueError, KeyError):
        return ""
