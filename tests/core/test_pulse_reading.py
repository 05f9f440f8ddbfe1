"""A pulse that is read while it is written."""

import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from signerd.core.pulse import Pulse, PulseWatch

_READ_S = 3.0


def _beat_without_pause(path: Path, stop: Event) -> None:
    pulse = Pulse(path)
    pulse.ready(1000.0)
    while not stop.is_set():
        for _ in range(1000):
            pulse.beat(1000.0)


def test_a_beat_is_never_seen_half_written() -> None:
    """Whoever reads while a process beats sees it alive and ready, however often."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with tempfile.TemporaryDirectory(prefix="sd") as directory:
        path = Path(directory) / "pulse"
        watch = PulseWatch(path, start_allowed_s=60.0)
        writer = context.Process(target=_beat_without_pause, args=(path, stop))
        writer.start()
        try:
            while not watch.read().is_ready:
                time.sleep(0.01)
            until = time.monotonic() + _READ_S
            while time.monotonic() < until:
                vitals = watch.read()
                assert vitals.is_ready
                assert vitals.overdue_s < 0
        finally:
            stop.set()
            writer.join()
