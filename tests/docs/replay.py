"""Follows the README's worked example with a daemon of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from signerd_client import Client, SignerdError, Target
from tests.docs.console import ROOT, Block, Shell, Step
from tests.docs.shown import Comparison

_SHOWN_ADDRESS: Final = "127.0.0.1:7443"
_SHOWN_PUBLISHER: Final = "127.0.0.1:7480"
_SHOWN_DIRECTORY: Final = "/srv/signerd"
_DAEMON: Final = "scripts/run"
_LAST_LINE: Final = "Ctrl-C stops the daemon"
_START_LIMIT_S: Final = 120.0
_STOP_LIMIT_S: Final = 60.0
_LOG_TAIL_LINES: Final = 15


@dataclass(slots=True)
class Replay:
    """A directory that looks like a fresh clone, and what was run in it so far."""

    directory: Path
    address: str
    publisher: str
    shell: Shell
    comparison: Comparison = field(default_factory=Comparison)
    daemon: "subprocess.Popen[str] | None" = None

    def follow(self, block: Block) -> Iterator[tuple[Step, Step]]:
        """Run the commands of a console block, or save a Python block as example.py.

        Gives each step as shown and as it was here, with address and directory of the README.
        """
        if block.kind == "python":
            (self.directory / "example.py").write_text(self._here(block.text), encoding="utf-8")
            return
        for shown in block.steps():
            command = self.comparison.translated(shown.command)
            output = self._run(self._here(command))
            real = Step(command, self._as_shown(output))
            yield shown, real

    def stop(self) -> int:
        """Press Ctrl-C; the exit status of the daemon."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGINT)
        return self.daemon.wait(_STOP_LIMIT_S)

    def _run(self, command: str) -> str:
        return self._start() if command == _DAEMON else self.shell.run(command)

    def _start(self) -> str:
        with (self.directory / "daemon.log").open("w") as log:
            self.daemon = subprocess.Popen(
                [_DAEMON],
                cwd=self.directory,
                env={**os.environ, **environment(self.directory, self.address, self.publisher)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        lines: list[str] = []
        assert self.daemon.stdout is not None
        for line in self.daemon.stdout:
            lines.append(line)
            if _LAST_LINE in line:
                break
        self._wait_until_serving()
        return "".join(lines).rstrip("\n")

    def _wait_until_serving(self) -> None:
        tls = self.directory / "state/tls"
        target = Target.tls(
            self.address,
            ca=tls / "ca.pem",
            certificate=tls / "clients/auditor.pem",
            key=tls / "clients/auditor.key",
        )
        deadline = time.monotonic() + _START_LIMIT_S
        with Client(target) as client:
            while not _is_serving(client):
                assert self.daemon is not None
                assert self.daemon.poll() is None, self._log_end()
                assert time.monotonic() < deadline, self._log_end()
                time.sleep(0.1)

    def _log_end(self) -> str:
        lines = (self.directory / "daemon.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def _here(self, text: str) -> str:
        text = text.replace(_SHOWN_ADDRESS, self.address)
        return text.replace(_SHOWN_PUBLISHER, self.publisher)

    def _as_shown(self, text: str) -> str:
        for place in (str(self.directory), str(ROOT)):
            text = text.replace(place, _SHOWN_DIRECTORY)
        text = text.replace(self.address, _SHOWN_ADDRESS)
        text = text.replace(self.publisher, _SHOWN_PUBLISHER)
        return "\n".join(line.rstrip() for line in text.splitlines())


@contextmanager
def replay() -> Iterator[Replay]:
    """A place to follow the README in; gone afterwards, and its daemon with it."""
    # Directly under the temporary directory: paths of Unix sockets are limited to 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    address, publisher = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    for name in ("scripts", "examples", ".venv"):
        (directory / name).symlink_to(ROOT / name)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory)
        shell = stack.enter_context(Shell(directory, environment(directory, address, publisher)))
        run = Replay(directory, address, publisher, shell)
        stack.callback(_end, run)
        yield run


def environment(directory: Path, address: str, publisher: str) -> dict[str, str]:
    """Nothing of the caller's own signerd, and a locale that shows Korean."""
    return {
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "SIGNERD_STATE": str(directory / "state"),
        "SIGNERD_LISTEN": address,
        "SIGNERD_PUBLISH": publisher,
    }


def _is_serving(client: Client) -> bool:
    try:
        return client.health(timeout_s=5.0).serving
    except SignerdError:
        return False


def _end(run: Replay) -> None:
    daemon = run.daemon
    if daemon is None:
        return
    if daemon.poll() is None:
        daemon.terminate()
        daemon.wait(_STOP_LIMIT_S)
    if daemon.stdout is not None:
        daemon.stdout.close()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
