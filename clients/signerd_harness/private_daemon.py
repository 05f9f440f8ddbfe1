"""A daemon of one's own: temporary state, own SoftHSM tokens, a free port."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from signerd_client import Client, SignerdError
from signerd_harness.daemon_directory import DaemonDirectory, DaemonFailed, configure
from signerd_harness.state_template import copy_state, make_state

_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 30.0
_LOG_TAIL_LINES: Final = 15
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DaemonSize:
    """How many processes of each kind. publisher: whether there is one, and CRLs for it."""

    fronts: int = 2
    hosts: int = 2
    publisher: bool = False


class PrivateDaemon(DaemonDirectory):
    """A running daemon, started by this process."""

    def __init__(self, place: DaemonDirectory) -> None:
        super().__init__(place.directory, place.address, place.publisher_url)
        self._process = self.serve()

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
        self._process = self.serve(*options)
        self.wait_until_serving()

    def restart(self, *options: str) -> None:
        """Stop it and start it, as with ("--clock-offset", "200d"). Raises DaemonFailed."""
        self.stop()
        self.start(*options)

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

    def leave(self) -> None:
        """Let it run on when this process ends; whoever stops it knows it from its directory."""
        # The one way to tell a Popen that nobody here waits for its process any more.
        self._process.returncode = 0

    def _failed(self, what: str) -> DaemonFailed:
        lines = self.log().splitlines()
        return DaemonFailed("\n".join([what, *lines[-_LOG_TAIL_LINES:]]))


@contextmanager
def private_daemon(
    size: DaemonSize,
    settings: Mapping[str, str] = _NOTHING,
    *,
    grants: str = "",
    profiles: Mapping[str, str] = _NOTHING,
) -> Iterator[PrivateDaemon]:
    """Make, start and finally remove a daemon. Raises DaemonFailed.

    settings: keys of the configuration, such as "tokens.call_limit_s", and their values as TOML.
    grants: TOML, added to the policy that init writes. profiles: further ones, TOML by name.
    """
    # Unix socket paths are limited to 107 bytes, so the directory is directly under the
    # temporary one.
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    try:
        place = make_daemon(directory, size, settings, grants=grants, profiles=profiles)
        daemon = PrivateDaemon(place)
        try:
            daemon.wait_until_serving()
            yield daemon
        finally:
            daemon.end()
    finally:
        shutil.rmtree(directory)


def make_daemon(
    directory: Path,
    size: DaemonSize,
    settings: Mapping[str, str] = _NOTHING,
    *,
    grants: str = "",
    profiles: Mapping[str, str] = _NOTHING,
) -> DaemonDirectory:
    """Make state and configuration in an empty directory, as `private_daemon` does, and start
    nothing. Raises DaemonFailed."""
    address, publisher = (f"127.0.0.1:{port}" for port in _free_ports(2))
    publishes = dict(settings).get("publisher.enabled", str(size.publisher).lower()) == "true"
    # The CA's own certificates name the publisher that init was told of.
    make = make_state if publishes else copy_state
    make(directory, address, publisher)
    sizes = {
        "server.fronts": str(size.fronts),
        "tokens.hosts": str(size.hosts),
        "publisher.enabled": str(size.publisher).lower(),
    }
    configure(directory / "signerd.toml", sizes | dict(settings))
    with (directory / "policy.toml").open("a") as policy:
        policy.write(grants)
    for name, text in profiles.items():
        (directory / "profiles" / f"{name}.toml").write_text(text)
    return DaemonDirectory(directory, address, f"http://{publisher}")


def _free_ports(count: int) -> list[int]:
    """Different ones: all are held until the last is found."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
