"""Start and stop of the daemon, and starts that end with one line and an exit code."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from grpc import StatusCode

from examples.private_daemon import DaemonSize, private_daemon
from signerd.core.boot import ExitCode
from signerd.v1 import certificate_authority_pb2 as pb
from signerd.v1.types_pb2 import KEY_ALGORITHM_RSA_4096_PKCS1_SHA256
from signerd_client import Client
from signerd_harness.daemon_directory import DaemonDirectory
from tests.e2e.raw_call import Refusal, raw_caller
from tests.e2e.state import begin, configure, free_port, signerd
from tests.e2e.waiting import wait_until

_ISSUE = "/signerd.v1.CertificateAuthority/IssueCertificate"
_DRAIN_S = 120


def _slow_request() -> pb.IssueCertificateRequest:
    return pb.IssueCertificateRequest(
        subscriber="subscribers/slow",
        profile="personal",
        subject=pb.Subject(common_name="Slow"),
        key_algorithm=KEY_ALGORITHM_RSA_4096_PKCS1_SHA256,
        request_id=str(uuid.uuid4()),
    )


def _listed(state: Path) -> list[int]:
    """The process ids of a running daemon that has children, else none."""
    try:
        return [process.pid for process in DaemonDirectory(state, "", "").processes()]
    except OSError:
        return []


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_stop_lets_calls_under_way_end() -> None:
    """SIGTERM while RSA-4096 keys are made: each issuance is answered with its certificate,
    streams end at once, the exit status is 0 and no process is left."""
    settings = {"server.drain_s": str(_DRAIN_S)}
    with (
        private_daemon(DaemonSize(fronts=1, hosts=1), settings) as daemon,
        raw_caller(daemon, "ra-officer") as officer,
        raw_caller(daemon, "auditor") as auditor,
    ):
        pids = [process.pid for process in daemon.processes()]
        watch = auditor.channel.unary_stream("/signerd.v1.Admin/WatchAuditEvents", None, None)
        events = watch(b"", timeout=_DRAIN_S)
        next(iter(events))
        answers: list[pb.IssueCertificateResponse] = []

        def issue() -> None:
            answers.append(
                officer.send(_ISSUE, _slow_request(), pb.IssueCertificateResponse, timeout_s=100)
            )

        threads = [threading.Thread(target=issue) for _ in range(3)]
        for thread in threads:
            thread.start()
        with closing(sqlite3.connect(daemon.directory / "signerd.db")) as store:
            count = "SELECT count(*) FROM issuances WHERE state = 'RESERVED'"
            wait_until(lambda: store.execute(count).fetchone()[0] == 3, "three are under way")
        begun = time.monotonic()
        daemon.signal(signal.SIGTERM)
        for thread in threads:
            thread.join(_DRAIN_S)
        assert len(answers) == 3
        assert all(answer.certificate.der for answer in answers)
        ended = auditor.refusal(lambda: list(events))
        assert (ended.code, ended.reason) == (StatusCode.UNAVAILABLE, "SERVER_STOPPING")
        daemon.stop()
        assert time.monotonic() - begun < _DRAIN_S
        assert not _alive(pids)
        names = {answer.certificate.name for answer in answers}
        daemon.start()
        with Client(daemon.target("auditor")) as client:
            assert {one.name for one in client.list_certificates(subscriber="slow")} == names


def test_a_stop_is_bounded() -> None:
    """What is not done after drain_s is given up; the daemon ends all the same, with status 0,
    and the request is completed when it is repeated."""
    settings = {"server.drain_s": "0.2"}
    request = _slow_request()
    with private_daemon(DaemonSize(fronts=1, hosts=1), settings) as daemon:
        refusals: list[Refusal] = []
        with raw_caller(daemon, "ra-officer") as officer:

            def issue() -> None:
                refusals.append(officer.refused(_ISSUE, request))

            thread = threading.Thread(target=issue)
            thread.start()
            with closing(sqlite3.connect(daemon.directory / "signerd.db")) as store:
                count = "SELECT count(*) FROM issuances WHERE state = 'RESERVED'"
                wait_until(lambda: store.execute(count).fetchone()[0] == 1, "it is under way")
            daemon.stop()
            thread.join(30)
        if refusals:  # a key that was found quickly was still answered in time
            assert refusals[0].code in {StatusCode.UNAVAILABLE, StatusCode.CANCELLED}
        daemon.start()
        with raw_caller(daemon, "ra-officer") as officer:
            answer = officer.send(_ISSUE, request, pb.IssueCertificateResponse)
        with Client(daemon.target("auditor")) as client:
            listed = [one.name for one in client.list_certificates(subscriber="slow")]
        assert listed == [answer.certificate.name]


@pytest.mark.parametrize("after_s", [0.0, 0.7, 2.0])
def test_a_stop_during_the_start_is_a_stop(after_s: float, state: Path) -> None:
    """Whenever SIGTERM comes once the supervisor runs: status 0, nothing left running."""
    process = begin("serve", "--config", str(state / "signerd.toml"))
    wait_until((state / "run" / "processes.json").exists, "the supervisor runs")
    time.sleep(after_s)
    pids = _listed(state)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not _alive(pids)
    assert not (state / "run" / "processes.json").exists()


def _one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What is said to people: everything on standard error that is not the structured log."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert "Traceback" not in done.stderr
    assert lines, done.stderr
    texts = {line.partition(": ")[2] for line in lines}
    assert len(texts) == 1, lines
    return texts.pop()


def test_one_state_directory_has_one_daemon(state: Path) -> None:
    """A second start is refused, on the same port and on another; the first goes on."""
    first = begin("serve", "--config", str(state / "signerd.toml"))
    try:
        wait_until((state / "run" / "admin.sock").exists, "it serves")
        same = signerd("serve", "--config", str(state / "signerd.toml"))
        assert same.returncode == ExitCode.ADDRESS_IN_USE
        assert "Address already in use" in _one_line(same)
        configure(state, listen=f'"127.0.0.1:{free_port()}"')
        configure(state, "publisher", listen=f'"127.0.0.1:{free_port()}"')
        other = signerd("serve", "--config", str(state / "signerd.toml"))
        assert other.returncode == ExitCode.ADDRESS_IN_USE
        said = _one_line(other)
        assert f"(process {first.pid})" in said
        assert str(state) in said
        assert first.poll() is None
        assert _alive(_listed(state)) == _listed(state) != []
    finally:
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0


@pytest.mark.parametrize("section", ["server", "publisher"])
def test_a_port_that_is_taken_is_named(section: str, state: Path) -> None:
    """ADDRESS_IN_USE and one line, before any process is started."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        configure(state, section, listen=f'"{address}"')
        done = signerd("serve", "--config", str(state / "signerd.toml"))
    assert done.returncode == ExitCode.ADDRESS_IN_USE
    said = _one_line(done)
    assert address in said
    assert f"[{section}] listen" in said


def test_without_a_publisher_nothing_is_published(state: Path) -> None:
    """No process of it, and no CRL: what is not served is not signed."""
    configure(state, "publisher", enabled="false")
    daemon = begin("serve", "--config", str(state / "signerd.toml"))
    try:
        wait_until((state / "run" / "admin.sock").exists, "it serves")
        names = [
            entry["name"]
            for entry in json.loads((state / "run" / "processes.json").read_text())["processes"]
        ]
        assert "keeper" in names
        assert "publisher" not in names
    finally:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0
    with closing(sqlite3.connect(state / "signerd.db")) as store:
        assert store.execute("SELECT count(*) FROM crls").fetchone() == (0,)


def _lose_database(state: Path) -> None:
    for path in state.glob("signerd.db*"):
        path.unlink()


def _damage_database(state: Path) -> None:
    _lose_database(state)
    (state / "signerd.db").write_bytes(os.urandom(20_000))


def _empty_database(state: Path) -> None:
    _lose_database(state)
    (state / "signerd.db").write_bytes(b"")


def _database_of_tomorrow(state: Path) -> None:
    with closing(sqlite3.connect(state / "signerd.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")


def _lose_tokens(state: Path) -> None:
    shutil.rmtree(state / "softhsm")
    (state / "softhsm").mkdir(mode=0o700)


def _lose_module(state: Path) -> None:
    file = state / "signerd.toml"
    file.write_text(file.read_text().replace("libsofthsm2.so", "libnothing.so"))


def _break_pin(state: Path) -> None:
    (state / "secrets" / "user.pin").write_text("000000000000\n")


def _lose_pin(state: Path) -> None:
    (state / "secrets" / "user.pin").unlink()


def _misspell(state: Path) -> None:
    configure(state, frontz="2")


def _swap_tls_key(state: Path) -> None:
    shutil.copy(state / "tls" / "clients" / "signer.key", state / "tls" / "server.key")


def _break_policy(state: Path) -> None:
    (state / "policy.toml").write_text('[[grant]]\nprincipal = "kim"\nrole = "signer"\n')


def _long_path(state: Path) -> None:
    configure(state, state_directory=f'"{"x" * 60}/{"y" * 60}"')


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (_lose_database, ExitCode.STORE_BROKEN, ("signerd.db", "restore", "signerd init")),
        (_damage_database, ExitCode.STORE_BROKEN, ("damaged", "backup")),
        (_empty_database, ExitCode.STORE_BROKEN, ("no signerd tables", "signerd init")),
        (_database_of_tomorrow, ExitCode.STORE_BROKEN, ("newer", "version")),
        (_lose_tokens, ExitCode.TOKEN_MISSING, ("authority token", "[tokens]", "signerd doctor")),
        (_lose_module, ExitCode.CONFIG_INVALID, ("tokens.module", "libnothing.so", "install")),
        (_break_pin, ExitCode.PIN_REFUSED, ("PIN",)),
        (_lose_pin, ExitCode.CONFIG_INVALID, ("user.pin",)),
        (_misspell, ExitCode.CONFIG_INVALID, ("server.frontz", "server.fronts")),
        (_swap_tls_key, ExitCode.CONFIG_INVALID, ("server.key", "server.pem", "[tls]")),
        (_break_policy, ExitCode.CONFIG_INVALID, ("policy.toml", "kim", "uri:")),
        (_long_path, ExitCode.CONFIG_INVALID, ("socket", "state_directory")),
    ],
)
def test_a_start_that_cannot_succeed_ends_with_its_reason(
    damage: object, code: ExitCode, words: tuple[str, ...], state: Path
) -> None:
    """No restarts: one line that says what is wrong and where to mend it, a code of its own, no
    process left."""
    assert callable(damage)
    damage(state)
    done = signerd("serve", "--config", str(state / "signerd.toml"))
    assert done.returncode == code, done.stderr
    said = _one_line(done)
    for word in words:
        assert word in said, said
    assert not (state / "run" / "processes.json").exists()


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    """For every command that needs one."""
    for command in (["serve"], ["doctor"], ["audit", "verify"], ["check-config"], ["clear-latch"]):
        done = signerd(*command, "--config", str(tmp_path / "no.toml"))
        assert done.returncode == ExitCode.CONFIG_INVALID
        assert str(tmp_path / "no.toml") in _one_line(done)
