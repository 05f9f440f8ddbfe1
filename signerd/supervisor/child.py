"""One child process: its start, its sign of life, its end."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from signerd.core.boot import ExitCode
from signerd.core.pulse import PulseWatch, Vitals
from signerd.supervisor.backoff import Backoff

PULSE_VARIABLE: Final = "SIGNERD_PULSE"
REPLACEMENT_VARIABLE: Final = "SIGNERD_REPLACEMENT"


class Group(StrEnum):
    """What a child does, which decides when it starts and stops."""

    HOST = "host"
    FRONT = "front"
    KEEPER = "keeper"
    PUBLISHER = "publisher"


class ChildState(StrEnum):
    """WAITING to be started; HELD until an operator says so."""

    WAITING = "waiting"
    HELD = "held"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running.

    argv: program and arguments; it finds the path of its pulse file in the environment variable
    SIGNERD_PULSE, "1" in SIGNERD_REPLACEMENT once the whole daemon has been up, and ends when its
    standard input does. start_allowed_s: until its first beat. stop_allowed_s: from SIGTERM to
    SIGKILL.
    """

    name: str
    group: Group
    argv: tuple[str, ...]
    start_allowed_s: float
    stop_allowed_s: float


class Child:
    """A process slot: at most one process at a time, and what is remembered between them."""

    def __init__(self, spec: ChildSpec, pulse: Path) -> None:
        self.spec = spec
        self.state = ChildState.WAITING
        self.restarts = 0
        self.backoff = Backoff()
        self.start_at = 0.0
        self.reload_when_ready = False
        self.was_ready = False
        self.ready_since: float | None = None
        self.killed_for = ""
        self._pulse = pulse
        self._watch: PulseWatch | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while there is a process."""
        return None if self._process is None else self._process.pid

    def start(self, inherited_fd: int, *, is_replacement: bool) -> None:
        """Start the process. Raises OSError.

        inherited_fd: kept open by the process as long as it lives. is_replacement: the daemon has
        been up, so there is service to keep and no start to refuse. The process has a group of
        its own, so that Ctrl-C in a terminal reaches the supervisor alone.
        """
        if self._watch is None:
            self._watch = PulseWatch(self._pulse, start_allowed_s=self.spec.start_allowed_s)
        # The same file for every successor: a full disk does not stand in the way of a restart.
        self._watch.expect_start(self.spec.start_allowed_s)
        self._process = subprocess.Popen(  # noqa: S603 - the daemon's own program
            self.spec.argv,
            stdin=subprocess.PIPE,
            bufsize=0,
            env={
                **os.environ,
                PULSE_VARIABLE: str(self._pulse),
                REPLACEMENT_VARIABLE: "1" if is_replacement else "",
            },
            pass_fds=(inherited_fd,),
            process_group=0,
        )
        self.state = ChildState.STARTING
        self.killed_for = ""

    def vitals(self) -> Vitals:
        """Its sign of life."""
        if self._watch is None:
            raise RuntimeError(f"{self.spec.name} was never started")
        return self._watch.read()

    def reap(self) -> int | None:
        """The return code once the process has ended, negative for a signal; told once."""
        process = self._process
        if process is None or (code := process.poll()) is None:
            return None
        if process.stdin is not None:
            process.stdin.close()
        self._process = None
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self, reason: str) -> None:
        """End the process at once, stopped or not. reason: for the log, "" for none."""
        self.killed_for = reason
        self.signal(signal.SIGKILL)

    def healthy_s(self) -> float:
        """For how long it has been ready."""
        return 0.0 if self.ready_since is None else time.monotonic() - self.ready_since


def describe_end(code: int) -> str:
    """A return code in words."""
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    try:
        return f"exit status {code} ({ExitCode(code).name})"
    except ValueError:
        return f"exit status {code}"
