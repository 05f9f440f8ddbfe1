"""State directories to start from, or to break, and the `signerd` command on them."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_SIGNERD = str(Path(sys.executable).with_name("signerd"))
_LIMIT_S = 120.0


def signerd(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [_SIGNERD, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
    )


def begin(*arguments: str) -> "subprocess.Popen[bytes]":
    """Start the command; the caller ends it."""
    return subprocess.Popen(
        [_SIGNERD, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name."""
    path = Path(tempfile.mkdtemp(prefix="sd"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def initialise(state: Path) -> None:
    """Make a new state directory for a daemon of one front and one host, which starts quickly."""
    made = signerd("init", "--state", str(state), *free_addresses())
    assert made.returncode == 0, made.stderr
    configure(state, fronts="1")
    config = state / "signerd.toml"
    config.write_text(config.read_text().replace("[tokens]\n", "[tokens]\nhosts = 1\n"))


def copy_state(template: Path, state: Path) -> None:
    """A copy with tokens of its own, on a port of its own."""
    shutil.copytree(template, state, dirs_exist_ok=True)
    config = state / "softhsm2.conf"
    config.write_text(config.read_text().replace(str(template), str(state)))
    configure(state, listen=f'"127.0.0.1:{free_port()}"')
    configure(state, "publisher", listen=f'"127.0.0.1:{free_port()}"')


def free_addresses() -> tuple[str, ...]:
    """The options of init by which daemons do not meet."""
    listen, publish = (f"127.0.0.1:{free_port()}" for _ in range(2))
    return "--listen", listen, "--publish", publish


def configure(state: Path, section: str = "server", **values: str) -> None:
    """Set keys of a section, given as TOML."""
    file = state / "signerd.toml"
    text = file.read_text()
    for key, value in values.items():
        head, heading, rest = text.partition(f"[{section}]\n")
        body, separator, tail = rest.partition("\n[")
        body = re.sub(rf"^{key} *=.*\n?", "", body, flags=re.MULTILINE)
        text = f"{head}{heading}{key} = {value}\n{body}{separator}{tail}"
    file.write_text(text)
