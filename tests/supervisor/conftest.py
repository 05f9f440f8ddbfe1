"""Supervisors that leave nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.supervised_daemon import SupervisedDaemon, is_running


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[SupervisedDaemon]:
    """A directory for supervisors; every process of it has ended afterwards."""
    daemon = SupervisedDaemon(tmp_path)
    yield daemon
    for process in daemon.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
    for pid in {one.pid for one in daemon.events("start")}:
        if is_running(pid) and str(tmp_path) in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
