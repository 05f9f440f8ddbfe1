"""A database that is held, moved away, damaged or read-only under a running daemon."""

import os
import shutil
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.boot import ExitCode
from signerd_client import Certificate, Client
from signerd_client.error import Internal, Unavailable
from tests.faults.scene import (
    BACK_S,
    PROMPT_S,
    faulty_daemon,
    issue,
    log_entries,
    one_attempt,
    query,
    refused_start,
    signs,
    wait_until,
    wait_until_well,
)

pytestmark = pytest.mark.long

# SQLite waits for the lock of another process so long.
_BUSY_S = 5.0


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateDaemon]:
    """One for all tests here: each puts back what it takes away."""
    with faulty_daemon(DaemonSize(fronts=2, hosts=2)) as running:
        yield running


@pytest.fixture
def daemon(shared: PrivateDaemon) -> Iterator[PrivateDaemon]:
    """The daemon, well at the beginning and at the end."""
    if not (shared.directory / "run" / "processes.json").exists():
        shared.start()  # a test before this one failed while it was stopped
    wait_until_well(shared)
    yield shared
    wait_until_well(shared)


@pytest.fixture
def issued(daemon: PrivateDaemon) -> Certificate:
    """A certificate with its key."""
    with Client(daemon.target("ra-officer")) as patient:
        return issue(patient)


@contextmanager
def write_lock(daemon: PrivateDaemon) -> Iterator[None]:
    """Another program in the middle of a write transaction."""
    connection = sqlite3.connect(daemon.directory / "signerd.db", isolation_level=None, timeout=30)
    with closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def backed_up(daemon: PrivateDaemon) -> Iterator[Path]:
    """The database file of a stopped daemon, which is as it was afterwards."""
    path, backup = daemon.directory / "signerd.db", daemon.directory / "backup.db"
    shutil.copy(path, backup)
    try:
        yield path
    finally:
        daemon.end()
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        shutil.copy(backup, path)
        backup.unlink()


def refusal(act: Callable[[], object], reason: str) -> Unavailable:
    """The refusal of a call, with the time after which to try again."""
    error = _refusal(act)
    assert error.reason == reason
    assert error.retry_after_s
    return error


def signatures_on_record(daemon: PrivateDaemon) -> int:
    """How many there are in all."""
    ((count,),) = query(
        daemon, "SELECT count(*) FROM audit_events WHERE kind = 'signature.created'"
    )
    return int(count)


def test_a_write_lock_held_for_a_moment_delays_and_loses_nothing(
    daemon: PrivateDaemon, issued: Certificate, signer: Client
) -> None:
    """Signatures wait for it and are then answered, each on record."""
    before = signatures_on_record(daemon)
    with ThreadPoolExecutor(1) as thread:
        with write_lock(daemon):
            late = thread.submit(signs, signer, issued.credential)
            time.sleep(2)
            assert not late.done()
        assert late.result()
    assert signatures_on_record(daemon) == before + 1


def test_a_write_lock_held_for_long_is_told_and_survived(
    daemon: PrivateDaemon, issued: Certificate, officer: Client, signer: Client
) -> None:
    """What changes or signs is refused as busy, what only reads is answered; a request that was
    refused is completed when it is repeated."""
    request_id = str(uuid.uuid4())
    with write_lock(daemon):
        begin = time.monotonic()
        refusal(lambda: signer.sign(issued.credential, data=b"order"), "STORE_BUSY")
        assert time.monotonic() - begin < 3 * _BUSY_S + PROMPT_S
        assert officer.get_certificate(issued.name) == issued
        refusal(lambda: issue(officer, "cust-busy", request_id), "STORE_BUSY")
    wait_until(lambda: signs(signer, issued.credential), BACK_S, "signs again")
    with Client(daemon.target("ra-officer")) as patient:
        again = issue(patient, "cust-busy", request_id)
        assert [one.name for one in patient.list_certificates(subscriber="cust-busy")] == [
            again.name
        ]


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_a_database_that_is_moved_away_stops_what_must_be_recorded(
    replaced: bool,  # noqa: FBT001 - a parameter of the test
    daemon: PrivateDaemon,
    issued: Certificate,
    officer: Client,
    signer: Client,
) -> None:
    """No signature and no certificate is answered that would stand in a file nobody has any more;
    with the file back the same processes go on."""
    before = daemon.processes()
    path, hidden = daemon.directory / "signerd.db", daemon.directory / "hidden.db"
    path.rename(hidden)
    if replaced:
        shutil.copy(hidden, path)
    try:
        for _ in range(3):
            refused = refusal(lambda: signer.sign(issued.credential, data=b"order"), "STORE_MOVED")
            refusal(lambda: issue(officer), "STORE_MOVED")
        assert "put it back" in refused.message
    finally:
        hidden.rename(path)
    wait_until(lambda: signs(signer, issued.credential), BACK_S, "signs again")
    with Client(daemon.target("ra-officer")) as patient:
        assert issue(patient).credential
    assert daemon.processes() == before


def test_a_damaged_database_is_told_and_refuses_the_start(
    daemon: PrivateDaemon, issued: Certificate
) -> None:
    """While it runs the daemon answers UNAVAILABLE and never nonsense; started on it, it says so
    in one line; with the backup it serves."""
    daemon.stop()
    with backed_up(daemon) as path:
        daemon.start()
        wait_until_well(daemon)
        _garble(path)
        with one_attempt(daemon, "ra-officer") as officer, one_attempt(daemon, "signer") as signer:
            refused = [
                _refusal(act)
                for act in (
                    lambda: officer.get_certificate(issued.name),
                    lambda: list(officer.list_certificates()),
                    lambda: signer.sign(issued.credential, data=b"order"),
                    lambda: issue(officer),
                )
            ]
            wait_until(lambda: not signer.health().serving, BACK_S, "health says NOT_SERVING")
        assert {error.reason for error in refused} == {"STORE_CORRUPT"}
        assert not any(str(daemon.directory) in error.message for error in refused)
        daemon.end()
        code, line = refused_start(daemon)
        assert code == ExitCode.STORE_BROKEN
        assert "restore" in line
    daemon.start()
    with Client(daemon.target("ra-officer")) as patient:
        assert patient.get_certificate(issued.name) == issued


@pytest.mark.parametrize("garbage", [b"", b"no database\n" * 1000], ids=["empty", "text"])
def test_a_file_that_is_no_database_refuses_the_start(
    garbage: bytes, daemon: PrivateDaemon
) -> None:
    """One line that says what to do, whatever stands there instead."""
    daemon.stop()
    with backed_up(daemon) as path:
        path.write_bytes(garbage)
        code, line = refused_start(daemon)
        assert code == ExitCode.STORE_BROKEN
        assert "database" in line
    daemon.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file read-only, which only root may")
def test_a_read_only_database_refuses_the_start(daemon: PrivateDaemon) -> None:
    """One line says that it cannot be written."""
    daemon.stop()
    path = daemon.directory / "signerd.db"
    subprocess.run(["mount", "--bind", path, path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)
        code, line = refused_start(daemon)
    finally:
        subprocess.run(["umount", path], check=True)
    assert code == ExitCode.STORE_BROKEN
    assert "cannot be written" in line
    daemon.start()


def test_a_row_that_makes_no_sense_is_no_traceback_for_the_caller(
    daemon: PrivateDaemon, issued: Certificate, signer: Client
) -> None:
    """An exception nobody foresaw reaches the caller as a constant text with the request id by
    which the operator finds the traceback in the log, and nothing else of it."""
    certificate_id = issued.name.rpartition("/")[2]
    signature = signer.sign(issued.credential, data=b"order").signature
    with closing(sqlite3.connect(daemon.directory / "signerd.db")) as database:
        database.execute(
            "UPDATE certificates SET der = ? WHERE certificate_id = ?",
            [b"\x30\x03SECRET", certificate_id],
        )
        database.commit()
    # Processes that have not read the row before.
    daemon.stop()
    daemon.start()
    wait_until_well(daemon)
    with one_attempt(daemon, "signer") as again, pytest.raises(Internal) as failed:
        again.verify(signature, credential=issued.credential, data=b"order")
    request_id = failed.value.request_id
    assert request_id
    assert failed.value.message == (
        f"internal error; quote request id {request_id} to the operator of the daemon"
    )
    (entry,) = [
        entry for entry in log_entries(daemon, "call.failed") if entry["request_id"] == request_id
    ]
    assert "Traceback" in entry["traceback"]
    assert entry["rpc"] == "/signerd.v1.Signing/Verify"


def _garble(path: Path) -> None:
    """Overwrite all but the first page, as a failing disk would."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def _refusal(act: Callable[[], object]) -> Unavailable:
    with pytest.raises(Unavailable) as refused:
        act()
    return refused.value
