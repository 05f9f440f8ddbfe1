"""A process that ends in a crash leaves nothing of its memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

_CRASH = """\
import ctypes, os, resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
{forbid}
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
os.abort()
"""
_FORBID = "from signerd.core.core_dump import forbid_core_dumps; forbid_core_dumps()"


def _crash(forbid: str, directory: Path) -> tuple[str, bool]:
    """Whether the process was dumpable, as PR_GET_DUMPABLE says, and whether it was dumped."""
    running = subprocess.Popen(
        [sys.executable, "-c", _CRASH.format(forbid=forbid)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    with running.stdout:
        told = running.stdout.read().strip()
    _, status = os.waitpid(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode < 0
    return told, os.WCOREDUMP(status)


def test_no_core_is_dumped(tmp_path: Path) -> None:
    """Neither by the limit nor for a program that takes dumps."""
    assert _crash(_FORBID, tmp_path) == ("0", False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="this machine dumps no cores at all"
)
def test_a_core_would_be_dumped(tmp_path: Path) -> None:
    """By a process that does not forbid it."""
    assert _crash("", tmp_path) == ("1", True)
