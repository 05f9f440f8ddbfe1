"""The directory of a private daemon: everything about it that another process can know too."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signerd_client import Target

_SIGNERD: Final = str(Path(sys.executable).with_name("signerd"))
_LOG: Final = "serve.log"


class DaemonFailed(Exception):
    """The daemon did not do what it should; the message ends with the end of its log."""


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    """A line of the supervisor's list of processes. group: "front" or "host"."""

    name: str
    pid: int
    group: str


@dataclass(frozen=True)
class DaemonDirectory:
    """Where a daemon has its state, and where it listens.

    address: host:port of the API. publisher_url: of HTTP for relying parties, where it is enabled.
    """

    directory: Path
    address: str
    publisher_url: str

    @property
    def configuration(self) -> Path:
        """The file that the daemon is started with."""
        return self.directory / "signerd.toml"

    @property
    def log_file(self) -> Path:
        """Where the daemon writes its log, a JSON document a line."""
        return self.directory / _LOG

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
        return run_signerd(*arguments, "--config", str(self.configuration))

    def serve(self, *options: str) -> subprocess.Popen[bytes]:
        """Start `signerd serve`, with its options, in a session of its own."""
        with self.log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [_SIGNERD, "serve", "--config", str(self.configuration), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        """What it wrote so far."""
        return self.log_file.read_text(errors="replace")


def run_signerd(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a `signerd` command."""
    return subprocess.run(  # noqa: S603 - our own program
        [_SIGNERD, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def configure(file: Path, settings: Mapping[str, str]) -> None:
    """Change keys of a configuration, such as "tokens.call_limit_s", to values in TOML."""
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
