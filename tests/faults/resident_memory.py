"""Resident memory of a daemon's processes over time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples.private_daemon import DaemonProcess, PrivateDaemon

_INTERVAL_S: Final = 1.0
_KIB: Final = 1024


@dataclass(slots=True)
class MemoryCurve:
    """Bytes of one process, a sample a second."""

    process: DaemonProcess
    samples: list[int] = field(default_factory=list)

    def growth(self, warm_up: float) -> int:
        """Bytes gained after the first part of the time, given as a fraction: highest of the last
        samples less highest at the end of the warm-up."""
        few = max(1, len(self.samples) // 10)
        warm = max(2, int(len(self.samples) * warm_up))
        return max(self.samples[-few:]) - max(self.samples[:warm])


@contextmanager
def measured_memory(daemon: PrivateDaemon) -> Iterator[list[MemoryCurve]]:
    """Sample every process that runs now, as long as the block lasts."""
    curves = [MemoryCurve(process) for process in daemon.processes()]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_INTERVAL_S):
            for curve in curves:
                # One that has ended is found by whoever compares the processes.
                with suppress(OSError):
                    curve.samples.append(_resident_bytes(curve.process.pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield curves
    finally:
        ended.set()
        sampler.join()


def _resident_bytes(pid: int) -> int:
    """VmRSS of /proc/PID/status (proc_pid_status(5)). Raises OSError when it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * _KIB
    raise ProcessLookupError(pid)
