"""Kills a token host and then a front while clients are signing."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from examples.private_daemon import DaemonProcess, PrivateDaemon

_POLL_S: Final = 0.002
_REPLACED_LIMIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Kill:
    """A process killed with SIGKILL when so many calls of so many had been answered."""

    victim: DaemonProcess
    answered: int
    expected: int

    @property
    def was_in_the_middle(self) -> bool:
        """True when calls had been answered before, and others still had to be."""
        return 0 < self.answered < self.expected


class Disruption:
    """Kills by itself, in a thread, when the work has come so far. Use as a context manager."""

    def __init__(self, daemon: PrivateDaemon, answered: Callable[[], int], expected: int) -> None:
        """answered: how many calls have been answered by now."""
        self._daemon = daemon
        self._answered = answered
        self._expected = expected
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills: list[Kill] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        for group, share in (("host", 0.25), ("front", 0.5)):
            while self._answered() < share * self._expected:
                if self._ended.wait(_POLL_S):
                    return
            victim = self._daemon.processes(group)[0]
            os.kill(victim.pid, signal.SIGKILL)
            self.kills.append(Kill(victim, self._answered(), self._expected))


def wait_until_replaced(daemon: PrivateDaemon, kill: Kill) -> DaemonProcess | None:
    """The process that the supervisor started in place of a killed one; None if none came."""
    deadline = time.monotonic() + _REPLACED_LIMIT_S
    while time.monotonic() < deadline:
        for process in daemon.processes(kill.victim.group):
            if process.name == kill.victim.name and process.pid != kill.victim.pid:
                return process
        time.sleep(0.05)
    return None
