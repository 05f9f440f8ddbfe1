"""Processes of a private daemon that are killed at random while customers act."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from signerd_harness.private_daemon import PrivateDaemon
from signerd_harness.scenario import Incident

_SOON_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Kill:
    """at: time.monotonic(). name: of the process, such as front-0."""

    at: float
    name: str
    pid: int


class Killer:
    """Kills in a thread of its own from entry to exit."""

    def __init__(self, daemon: PrivateDaemon, incident: Incident, seed: int) -> None:
        self.kills: list[Kill] = []
        self._daemon = daemon
        self._incident = incident
        self._chance = random.Random(seed)  # noqa: S311 - which process, not a secret
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        if self._incident.victims:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._chance.expovariate(1 / self._incident.interval_s)):
            while not self._kill_one() and not self._ended.wait(_SOON_S):
                pass

    def _kill_one(self) -> bool:
        """One that runs, whether it is ready or still starting."""
        running = [one for one in self._daemon.processes() if one.group in self._incident.victims]
        if not running:
            return False
        victim = self._chance.choice(running)
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
            self.kills.append(Kill(time.monotonic(), victim.name, victim.pid))
            return True
        return False
