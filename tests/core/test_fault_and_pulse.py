"""Fault points and signs of life, with real processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from signerd.core.fault import FaultPoint
from signerd.core.pulse import Pulse, PulseWatch

_SCRIPT = """
import sys
from pathlib import Path
from signerd.core.fault import FaultPoint, arm, reach
arm(Path(sys.argv[1]))
reach(FaultPoint.ISSUE_LINTED)
print("passed")
"""


def _run(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_an_ordered_fault_kills_once(tmp_path: Path) -> None:
    """The first process to pass dies as by SIGKILL, the next passes unharmed."""
    (tmp_path / FaultPoint.ISSUE_LINTED).write_text("kill")
    assert _run(tmp_path).returncode == -signal.SIGKILL
    second = _run(tmp_path)
    assert (second.returncode, second.stdout) == (0, "passed\n")
    assert list(tmp_path.iterdir()) == []


def test_a_hang_lasts_until_somebody_ends_it(tmp_path: Path) -> None:
    """A process ordered to hang stays in the point."""
    (tmp_path / FaultPoint.ISSUE_LINTED).write_text("hang")
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path)])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    finally:
        process.kill()
        process.wait()


def test_a_pulse_is_overdue_when_the_promised_silence_is_exceeded(tmp_path: Path) -> None:
    """The watcher sees readiness and lateness without the other side's help."""
    path = tmp_path / "pulse"
    watch = PulseWatch(path, start_allowed_s=5)
    assert not watch.read().is_ready
    assert watch.read().overdue_s < 0
    pulse = Pulse(path)
    pulse.ready(0.05)
    assert watch.read().is_ready
    time.sleep(0.1)
    assert watch.read().overdue_s > 0
    pulse.beat(5)
    assert watch.read().overdue_s < 0
