"""Ends what a test run started, also when the run itself was killed.

    python guard.py OWNER_PID DIRECTORY

waits until the owner has gone, stops every daemon with its state under the directory, and removes
the directory. It imports the standard library only, so that it costs next to nothing.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

_STOP_LIMIT_S = 30.0


def end_daemons(directory: Path) -> None:
    """Stop the daemons whose state directories are in a directory, and remove it."""
    running = [pid for pid in map(_supervisor, directory.glob("*/run/processes.json")) if pid]
    running = [pid for pid in running if _is_ours(pid, directory)]
    for pid in running:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_LIMIT_S
    while running := [pid for pid in running if not _has_gone(pid)]:
        if time.monotonic() > deadline:
            for pid in running:
                os.killpg(pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.02)
    shutil.rmtree(directory, ignore_errors=True)


def _supervisor(listing: Path) -> int | None:
    try:
        return int(json.loads(listing.read_text())["supervisor"])
    except (OSError, ValueError, KeyError):
        return None


def _is_ours(pid: int, directory: Path) -> bool:
    """A number in a file may be another process's by now."""
    try:
        return os.fsencode(directory) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _has_gone(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()


def _wait_for_end_of(owner: int) -> None:
    try:
        descriptor = os.pidfd_open(owner)
    except ProcessLookupError:
        return
    except OSError:
        # A kernel without them.
        while Path(f"/proc/{owner}").exists():
            time.sleep(1.0)
        return
    select.select([descriptor], [], [])


if __name__ == "__main__":
    # Ctrl-C at the terminal is for the run; its end is what this process waits for.
    os.setsid()
    _wait_for_end_of(int(sys.argv[1]))
    end_daemons(Path(sys.argv[2]))
