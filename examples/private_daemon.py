"""A daemon of one's own: temporary state, own SoftHSM tokens, a free port."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from signerd_client import Client, SignerdError, Target

_SIGNERD: Final = str(Path(sys.executable).with_name("signerd"))
_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 30.0
_LOG_TAIL_LINES: Final = 15


class DaemonFailed(Exception):
    """The daemon did not do what it should; the message ends with the end of its log."""


@dataclass(frozen=True, slots=True)
class DaemonSize:
    """How many processes of each kind. publisher: whether there is one, and CRLs for it."""

    fronts: int = 2
    hosts: int = 2
    publisher: bool = False


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    """A line of the supervisor's list of processes. group: "front" or "host"."""

    name: str
    pid: int
    group: str


class PrivateDaemon:
    """A running daemon."""

    def __init__(self, directory: Path, address: str, publisher_url: str) -> None:
        self.directory = directory
        self.address = address
        self.publisher_url = publisher_url
        self._process = _serve(directory)

    @property
    def configuration(self) -> Path:
        """The file that the daemon was started with."""
        return self.directory / "signerd.toml"

    def target(self, identity: str) -> Target:
        """Its address, with one of the client certificates that init made."""
        tls = self.directory / "tls"
        return Target.tls(
            self.address,
            ca=tls / "ca.pem",
            certificate=tls / "clients" / f"{identity}.pem",
            key=tls / "clients" / f"{identity}.key",
        )

    def processes(self, group: str = "") -> list[DaemonProcess]:
        """The processes that run now, of one group or all, as the supervisor lists them."""
        entries = json.loads((self.directory / "run" / "processes.json").read_text())
        listed = [DaemonProcess(e["name"], e["pid"], e["group"]) for e in entries["processes"]]
        return [process for process in listed if group in ("", process.group)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `signerd` command on this daemon's configuration."""
        return _run(*arguments, "--config", str(self.configuration))

    def wait_until_serving(self) -> None:
        """Wait until it answers. Raises DaemonFailed when it ended or takes too long."""
        deadline = time.monotonic() + _START_LIMIT_S
        with Client(self.target("operator")) as client:
            while True:
                if self._process.poll() is not None:
                    raise self._failed(f"signerd serve ended with {self._process.returncode}")
                try:
                    if client.health(timeout_s=1.0).serving:
                        return
                except SignerdError as error:
                    if time.monotonic() > deadline:
                        raise self._failed(f"signerd serve does not answer: {error}") from error
                if time.monotonic() > deadline:
                    raise self._failed("signerd serve does not report health")
                time.sleep(0.05)

    def start(self, *options: str) -> None:
        """Start it again after it ended, with options of `signerd serve`. Raises DaemonFailed."""
        if self._process.poll() is None:
            raise DaemonFailed("it still runs")
        self._process = _serve(self.directory, *options)
        self.wait_until_serving()

    def kill(self) -> None:
        """End the supervisor as a crash would, and wait until its children have followed it."""
        children = [child.pid for child in self.processes()]
        self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + _STOP_LIMIT_S
        while any(Path(f"/proc/{pid}").exists() for pid in children):
            if time.monotonic() > deadline:
                raise self._failed("processes outlived their supervisor")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        self._process.send_signal(number)

    def log(self) -> str:
        """What it wrote so far."""
        return (self.directory / "serve.log").read_text(errors="replace")

    def stop(self) -> None:
        """Ask it to end and wait. Raises DaemonFailed when it ends with an error or not at all."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise self._failed(f"signerd serve did not stop in {_STOP_LIMIT_S:.0f} s") from None
        if status != 0:
            raise self._failed(f"signerd serve ended with {status}")

    def end(self) -> None:
        """Stop it one way or the other."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def _failed(self, what: str) -> DaemonFailed:
        lines = (self.directory / "serve.log").read_text(errors="replace").splitlines()
        return DaemonFailed("\n".join([what, *lines[-_LOG_TAIL_LINES:]]))


@contextmanager
def private_daemon(
    size: DaemonSize, settings: Mapping[str, str] = MappingProxyType({}), *, grants: str = ""
) -> Iterator[PrivateDaemon]:
    """Make, start and finally remove a daemon. Raises DaemonFailed.

    settings: keys of the configuration, such as "tokens.call_limit_s", and their values as TOML.
    grants: TOML, added to the policy that init writes.
    """
    # Unix socket paths are limited to 107 bytes, so the directory is directly under the
    # temporary one.
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    try:
        address, publisher = (f"127.0.0.1:{port}" for port in _free_ports(2))
        addresses = ("--listen", address, "--publish", publisher)
        made = _run("init", "--state", str(directory), *addresses)
        if made.returncode != 0:
            raise DaemonFailed(f"signerd init ended with {made.returncode}\n{made.stderr}")
        sizes = {
            "server.fronts": str(size.fronts),
            "tokens.hosts": str(size.hosts),
            "publisher.enabled": str(size.publisher).lower(),
        }
        _configure(directory / "signerd.toml", sizes | dict(settings))
        with (directory / "policy.toml").open("a") as policy:
            policy.write(grants)
        daemon = PrivateDaemon(directory, address, f"http://{publisher}")
        try:
            daemon.wait_until_serving()
            yield daemon
        finally:
            daemon.end()
    finally:
        shutil.rmtree(directory)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [_SIGNERD, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _serve(directory: Path, *options: str) -> subprocess.Popen[bytes]:
    with (directory / "serve.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            [_SIGNERD, "serve", "--config", str(directory / "signerd.toml"), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _free_ports(count: int) -> list[int]:
    """Different ones: all are held until the last is found."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _configure(file: Path, settings: Mapping[str, str]) -> None:
    text = file.read_text()
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        text = _set(text, section, key, value)
    file.write_text(text)


def _set(toml: str, section: str, key: str, value: str) -> str:
    """Give a key of a section another value, whether or not init wrote the key."""
    if f"[{section}]\n" not in toml:
        toml += f"\n[{section}]\n"
    head, heading, rest = toml.partition(f"[{section}]\n")
    body, separator, tail = rest.partition("\n[")
    body = re.sub(rf"^{key} *=.*\n?", "", body, flags=re.MULTILINE)
    return f"{head}{heading}{key} = {value}\n{body}{separator}{tail}"
