"""What the fault tests do to a running daemon, and how they look at what it does then."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from examples.private_daemon import DaemonProcess, DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm, RetryPolicy
from signerd_client.error import SignerdError

SOFTHSM: Final = "/usr/lib/softhsm/libsofthsm2.so"
# A refusal is prompt when it comes long before any deadline; the machine may be busy.
PROMPT_S: Final = 12.0
# From the end of a fault to service again, reconnections and start of processes included.
BACK_S: Final = 40.0
# No second attempt fits into any deadline, so that a test sees each answer of the daemon.
ONE_ATTEMPT: Final = RetryPolicy(initial_s=1e9, maximum_s=1e9)
_POLL_S: Final = 0.1
_ROOT: Final = Path(__file__).parents[2]


@contextmanager
def faulty_daemon(
    size: DaemonSize,
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    further_pins: Collection[str] = (),
) -> Iterator[PrivateDaemon]:
    """A daemon of whose PINs nothing may be found outside their files, whatever was done to it.

    further_pins: what tests write into the PIN files.
    """
    with private_daemon(size, settings) as running:
        # It serves before all of it is up, and what goes wrong until then ends it.
        wait_until_well(running)
        pins = {file.read_bytes().strip() for file in (running.directory / "secrets").iterdir()}
        yield running
        found = places_of(pins | {pin.encode() for pin in further_pins}, running)
        assert not found, f"a PIN stands in {found}"


def places_of(secrets: set[bytes], daemon: PrivateDaemon) -> list[str]:
    """Where secrets can be read: files of the state directory (log, database, audit, latches, run
    files) except the PIN files and the tokens, and the arguments of all processes."""
    files = [
        file
        for file in daemon.directory.rglob("*")
        if file.is_file()
        and not {"secrets", "softhsm"} & set(file.relative_to(daemon.directory).parts[:1])
        and file.name != SPY_LOG
    ]
    arguments = [
        process / "cmdline" for process in Path("/proc").iterdir() if process.name.isdigit()
    ]
    return [
        str(place)
        for place in (*files, *arguments)
        if any(secret in _content(place) for secret in secrets)
    ]


def one_attempt(daemon: PrivateDaemon, identity: str, *, timeout_s: float = 60.0) -> Client:
    """A client that hides nothing by trying again."""
    return Client(daemon.target(identity), timeout_s=timeout_s, retry=ONE_ATTEMPT)


def issue(officer: Client, subscriber: str = "", request_id: str = "") -> Certificate:
    """A certificate with a P-256 key on the token."""
    return officer.issue_certificate(
        subscriber or f"cust-{uuid.uuid4().hex[:12]}",
        "tls-client",
        "Hong Gildong",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
        request_id=request_id or str(uuid.uuid4()),
    )


def signs(signer: Client, credential: str) -> bool:
    """True when the key signs now; signer: a client of one attempt."""
    try:
        signer.sign(credential, data=b"order")
    except SignerdError:
        return False
    return True


def wait_until(condition: Callable[[], object], limit_s: float, what: str) -> float:
    """Wait for a condition; returns the seconds it took. Raises AssertionError."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < limit_s, f"not within {limit_s} s: {what}"
        time.sleep(_POLL_S)
    return time.monotonic() - begin


def wait_until_well(daemon: PrivateDaemon) -> None:
    """Every process is there, every host has every token open, health says SERVING."""

    def is_well() -> bool:
        states = json.loads((daemon.directory / "run" / "processes.json").read_text())
        ready = not states["absent"] and all(one["state"] == "ready" for one in states["processes"])
        with one_attempt(daemon, "operator", timeout_s=5) as operator:
            try:
                status = operator.token_status()
                return (
                    ready
                    and all(host.connected for host in status.hosts)
                    and all(token.available for token in status.tokens)
                    and operator.health().serving
                )
            except SignerdError:
                return False

    wait_until(is_well, BACK_S, "the daemon is well")


def log_entries(daemon: PrivateDaemon, event: str = "") -> list[dict[str, Any]]:
    """The structured lines of the log, of one event or all."""
    lines = [line for line in daemon.log().splitlines() if line.startswith("{")]
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    return [entry for entry in entries if event in ("", entry["event"])]


def refused_start(daemon: PrivateDaemon) -> tuple[int, str]:
    """Start a stopped daemon that cannot start: its exit code and the one line for people."""
    done = subprocess.run(
        [Path(sys.executable).with_name("signerd"), "serve", "--config", daemon.configuration],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (line,) = [line for line in done.stderr.splitlines() if line and not line.startswith("{")]
    starts = [entry for entry in done.stderr.splitlines() if '"child.started"' in entry]
    assert len(starts) == len(set(starts)), "a process was started again"
    return done.returncode, line


def process_named(daemon: PrivateDaemon, name: str) -> DaemonProcess:
    """A process that runs now."""
    return next(process for process in daemon.processes() if process.name == name)


def is_replaced(daemon: PrivateDaemon, process: DaemonProcess) -> bool:
    """True when another process runs under the name of this one."""
    return any(one.name == process.name and one.pid != process.pid for one in daemon.processes())


def kill_hosts(daemon: PrivateDaemon) -> None:
    """Kill the token hosts, one after another, and wait until others stand in for them."""
    for host in daemon.processes("host"):
        os.kill(host.pid, signal.SIGKILL)
        wait_until(lambda gone=host: is_replaced(daemon, gone), BACK_S, f"{host.name} is replaced")  # type: ignore[misc]


def token_directory(daemon: PrivateDaemon, label: str) -> Path:
    """Where SoftHSM keeps a token; its label stands in token.object in clear."""
    return next(
        place
        for place in (daemon.directory / "softhsm").iterdir()
        if label.encode() in (place / "token.object").read_bytes()
    )


def query(daemon: PrivateDaemon, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Read the database."""
    path = daemon.directory / "signerd.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()


def place_of(daemon: PrivateDaemon, credential: str) -> tuple[str, bytes]:
    """Label of the token of a key, and its CKA_ID."""
    ((label, cka_id),) = query(
        daemon,
        "SELECT label, cka_id FROM credentials JOIN tokens USING (token_id)"
        " WHERE credential_id = ?",
        credential.rpartition("/")[2],
    )
    return label, cka_id


def on_token(daemon: PrivateDaemon, *arguments: str, more: str = "") -> str:
    """Run the token program on the daemon's tokens with their present PIN; its output. more: what
    it reads after the PIN."""
    pin = (daemon.directory / "secrets" / "user.pin").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.token_program", *arguments, "--module", SOFTHSM],
        cwd=_ROOT,
        env=os.environ | {"SOFTHSM2_CONF": str(daemon.directory / "softhsm2.conf")},
        input=f"{pin}\n{more}\n",
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


SPY_LOG: Final = "spy.log"
_SPY: Final = Path("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so")
HAS_SPY: Final = _SPY.exists() and shutil.which("pkcs11-tool") is not None
NO_SPY: Final = "needs pkcs11-spy of Debian's package opensc to count PKCS#11 calls"


def spied() -> dict[str, str]:
    """Settings by which every PKCS#11 call of the hosts is written down, where that is possible."""
    if not HAS_SPY:
        return {}
    environment = {
        "SOFTHSM2_CONF": "./softhsm2.conf",
        "PKCS11SPY": SOFTHSM,
        "PKCS11SPY_OUTPUT": f"./{SPY_LOG}",
    }
    table = ", ".join(f'{name} = "{value}"' for name, value in environment.items())
    return {"tokens.module": f'"{_SPY}"', "tokens.environment": f"{{ {table} }}"}


def calls_of(daemon: PrivateDaemon, function: str) -> int:
    """How often the token was called so, up to now."""
    text = (daemon.directory / SPY_LOG).read_text(errors="replace")
    # Several hosts write at the same time, so that a line may go on with another's.
    return len(re.findall(rf": {function}(?![A-Za-z])", text))


def _content(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:  # a process or socket that has gone meanwhile
        return b""
