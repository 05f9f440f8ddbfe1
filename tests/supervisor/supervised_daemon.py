"""A supervisor in a process of its own over real small children."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = Path(__file__).with_name("supervisor_program.py")
LIMIT_S: Final = 30.0
DEFAULT: Final = (("host-0", "host"), ("host-1", "host"), ("front-0", "front"),
                  ("front-1", "front"), ("keeper", "keeper"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """A line that a child wrote. at_s: time.monotonic()."""

    event: str
    name: str
    pid: int
    at_s: float


class SupervisedDaemon:
    """Supervisors on one directory, and what is seen of them from outside."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run = directory / "run"
        self.started: list[subprocess.Popen[bytes]] = []

    def mode(self, name: str, mode: str) -> None:
        """Tell a child how to behave from its next start on; "" for well."""
        (self.directory / f"{name}.mode").write_text(mode)

    def start(
        self,
        *,
        start_allowed_s: float = 20.0,
        stop_allowed_s: float = 10.0,
        orphan_wait_s: float = 20.0,
        argv: dict[str, list[str]] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a supervisor with two hosts, two fronts and a keeper."""
        specs = [
            {
                "name": name,
                "group": group,
                "start_allowed_s": start_allowed_s,
                "stop_allowed_s": stop_allowed_s,
            }
            | ({"argv": argv[name]} if argv and name in argv else {})
            for name, group in DEFAULT
        ]
        file = self.directory / "specs.json"
        file.write_text(json.dumps(specs))
        with (self.directory / f"stderr-{len(self.started)}").open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, PROGRAM, file, self.directory, str(orphan_wait_s)],
                stderr=stderr,
                env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
            )
        self.started.append(process)
        return process

    def start_up(self, **options: Any) -> subprocess.Popen[bytes]:
        """Start a supervisor and wait until every child is ready."""
        process = self.start(**options)
        self.until(lambda: bool(self.logged("supervisor.up")))
        return process

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {LIMIT_S} s; {self.stderr()}"
            time.sleep(0.02)

    def events(self, *kinds: str) -> list[Happening]:
        """What the children wrote, in order."""
        file = self.directory / "events"
        lines = file.read_text().splitlines() if file.exists() else []
        fields = (line.split() for line in lines)
        found = [Happening(one[0], one[1], int(one[2]), float(one[3])) for one in fields]
        return [one for one in found if not kinds or one.event in kinds]

    def names(self, *kinds: str) -> list[str]:
        """Whose events they were."""
        return [one.name for one in self.events(*kinds)]

    def stderr(self) -> str:
        """What the latest supervisor and its children wrote."""
        return (self.directory / f"stderr-{len(self.started) - 1}").read_text()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log with this event."""
        lines = [json.loads(line) for line in self.stderr().splitlines() if line[:1] == "{"]
        return [line for line in lines if line["event"] == event]

    def plain_lines(self) -> list[str]:
        """Lines of standard error that are not of the log."""
        return [line for line in self.stderr().splitlines() if line[:1] != "{"]

    def processes(self) -> dict[str, dict[str, Any]]:
        """The processes that run, by name, as listed for others."""
        document = json.loads((self.run / "processes.json").read_text())
        return {entry["name"]: entry for entry in document["processes"]}

    def absent(self) -> dict[str, dict[str, Any]]:
        """The processes that don't run, by name, as listed for others."""
        document = json.loads((self.run / "processes.json").read_text())
        return {entry["name"]: entry for entry in document["absent"]}

    def pid(self, name: str) -> int:
        """The process id of a child."""
        found = self.processes()[name]["pid"]
        assert isinstance(found, int)
        return found

    def replaced(self, name: str, pid: int) -> bool:
        """Whether another process is ready in the place of pid."""
        entry = self.processes().get(name)
        return entry is not None and entry["pid"] != pid and entry["state"] == "ready"


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
