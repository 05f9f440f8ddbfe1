"""Orders to a daemon's processes to die at a named point (signerd/core/fault.py)."""

import json
import time
from collections import Counter
from pathlib import Path
from types import MappingProxyType
from typing import Final

from examples.private_daemon import PrivateDaemon
from signerd.core.fault import FaultPoint

SETTINGS: Final = MappingProxyType({"test.fault_directory": '"faults"'})
_POLL_S: Final = 0.02


class FaultOrders:
    """The fault directory of a daemon that was started with SETTINGS."""

    def __init__(self, daemon: PrivateDaemon) -> None:
        self._directory = daemon.directory / "faults"
        self._directory.mkdir(exist_ok=True)

    def give(self, point: FaultPoint) -> None:
        """The next process that passes the point is killed there."""
        draft = self._directory / "draft"
        draft.write_text("kill")
        draft.rename(self._directory / point.value)

    def is_taken(self, point: FaultPoint) -> bool:
        """Whether a process has passed the point since."""
        return not (self._directory / point.value).exists()

    def wait_taken(self, point: FaultPoint, limit_s: float) -> bool:
        """Wait until it is taken; False when the time is over."""
        until = time.monotonic() + limit_s
        while not self.is_taken(point):
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_S)
        return True

    def withdraw_all(self) -> None:
        """Leave no order to whoever comes next."""
        for order in self._directory.iterdir():
            order.unlink(missing_ok=True)


def restarts(daemon: PrivateDaemon) -> Counter[str]:
    """How often the supervisor replaced a process so far, by group."""
    listed = json.loads((Path(daemon.directory) / "run" / "processes.json").read_text())
    counted: Counter[str] = Counter()
    for entry in (*listed["processes"], *listed["absent"]):
        counted[entry["group"]] += entry["restarts"]
    return counted
