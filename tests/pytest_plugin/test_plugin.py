"""The plugin in runs of its own: what a test engineer sees, and what is left afterwards."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_signerd.allotment import allot
from signerd_harness.customer import LIMIT, customer
from tests.docs.console import blocks
from tests.e2e.waiting import wait_until
from tests.pytest_plugin.pytest_process import environment, pytest_command, run_pytest

_SUITE = """
from pathlib import Path

import pytest

CASES = ["a", "b"]


@pytest.mark.parametrize("case", CASES)
def test_customers(case, customers, signerd_daemon):
    Path(f"customers-{case}").write_text("\\n".join(one.subscriber for one in customers(2)))
    Path(f"directory-{case}").write_text(str(signerd_daemon.directory))


def test_refused(suspended_certificate):
    suspended_certificate.sign(b"order")


def test_too_many(customers):
    customers(49)
    customers(2)


@pytest.mark.signerd_customers(51)
def test_many(customers):
    assert len({one.account for one in customers(49) + customers(2)}) == 51


def test_forbidden(bank, customer):
    bank.auditor.issue_certificate(customer.subscriber, "personal", "x", key_algorithm="ED25519")
"""

_WAITING = """
import json
import time
from pathlib import Path


def test_for_ever(signerd_daemon, bank):
    assert bank.operator.server_info()
    found = {"directory": str(signerd_daemon.directory), "address": signerd_daemon.address}
    Path("found.new").write_text(json.dumps(found))
    Path("found.new").rename("found")
    time.sleep(600)
"""

_AT_TARGET = """
def test_issued(issued_certificate):
    assert issued_certificate.x509
    assert issued_certificate.sign(b"order")


def test_told(outbox, customer, issued_certificate):
    assert outbox.wait_for(customer, "CERTIFICATE_ISSUED").content.address == customer.email


def test_expired(expired_certificate):
    pass


def test_clock(clock, bank):
    pass
"""


def _write(directory: Path, suite: str, ini: str = "") -> Path:
    directory.mkdir()
    (directory / "pytest.ini").write_text(f"[pytest]\n{ini}")
    (directory / "test_suite.py").write_text(suite)
    return directory


def _processes_of(directory: str) -> list[int]:
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _is_of(process, directory)
    ]


def _is_of(process: Path, directory: str) -> bool:
    try:
        return os.fsencode(directory) in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_a_run_under_xdist(tmp_path: Path) -> None:
    """Workers share a daemon; each test has its customers; failures say what the daemon said; the
    README's first suite does what it says; at the end nothing is left."""
    directory = _write(tmp_path / "suite", _SUITE)
    (shown,) = (it.text for it in blocks("python") if "def test_a_customer_signs" in it.text)
    (directory / "test_transfer.py").write_text(shown)
    done = run_pytest(directory, "-n", "2", "-q", "--signerd-seed", "7")
    assert "4 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    ids = [f"test_suite.py::test_customers[{case}]" for case in "ab"]
    for case, test in zip("ab", ids, strict=True):
        start = allot({test: 50}, LIMIT)[test].start
        expected = [customer(number, seed=7).subscriber for number in (start, start + 1)]
        assert (directory / f"customers-{case}").read_text().split() == expected
    used = {(directory / f"directory-{case}").read_text() for case in "ab"}
    assert len(used) == 1
    (state,) = used
    assert not Path(state).parent.exists()
    assert not _processes_of(state)
    assert "signerd said" in done.stdout
    assert "what next: Its certificate is on hold. Have it resumed by the RA super" in done.stdout
    assert "signerd's log" in done.stdout
    assert "call.denied" in done.stdout
    assert "mark it with @pytest.mark.signerd_customers(51)" in done.stdout
    assert "InactiveRpcError" not in done.stdout


@dataclass(frozen=True)
class Waiting:
    """A run whose only test waits; directory: of the daemon that it started."""

    process: subprocess.Popen[bytes]
    directory: str
    address: str


@contextmanager
def _waiting(directory: Path) -> Iterator[Waiting]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            pytest_command("-q"), cwd=directory, env=environment(), stdout=log, stderr=log
        )
    try:
        found = directory / "found"
        wait_until(lambda: found.exists() or process.poll() is not None, "the daemon serves", 120)
        assert found.exists(), (directory / "log").read_text()
        yield Waiting(process, **json.loads(found.read_text()))
    finally:
        process.kill()
        process.wait()


def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    """Until then, another run uses its daemon by --signerd-target; tests that need more of a daemon
    than it gives are skipped. After SIGKILL daemon and directory go by themselves."""
    at_target = _write(tmp_path / "target", _AT_TARGET)
    with _waiting(_write(tmp_path / "waiting", _WAITING)) as run:
        target = ("--signerd-target", run.address, "--signerd-tls", f"{run.directory}/tls")
        for _ in range(2):
            done = run_pytest(at_target, "-rs", *target)
            assert "2 passed, 2 skipped" in done.stdout, done.stdout + done.stderr
            assert f"signerd: {run.address}, --signerd-seed " in done.stdout
        assert _processes_of(run.directory)
        run.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not _processes_of(run.directory), "the daemon has ended")
        wait_until(lambda: not Path(run.directory).parent.exists(), "its directory has gone")


def test_a_daemon_that_does_not_start_is_tried_once(tmp_path: Path) -> None:
    """Every test says why, with the daemon's own words, and the run ends soon."""
    suite = "def test_a(bank): pass\n\n\ndef test_b(bank): pass\n"
    directory = _write(tmp_path / "suite", suite, "signerd_settings = server.nonsense = 1\n")
    done = run_pytest(directory, "-n", "2", "-q")
    assert "2 errors" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("server.nonsense") >= 2
    assert "DaemonFailed" in done.stdout


def test_a_run_that_uses_no_fixture_pays_nothing(tmp_path: Path) -> None:
    """The plugin is in every run of an environment, so it loads neither gRPC nor cryptography, in
    workers and in the process that distributes the tests, and makes no directory."""
    directory = _write(tmp_path / "suite", "def test_a(): pass\n")
    (directory / "conftest.py").write_text(
        """
import sys
from pathlib import Path


def pytest_sessionfinish(session):
    from pytest_signerd.stash import RUN

    assert not Path(session.config.stash[RUN].directory).exists()
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"grpc", "cryptography", "google", "signerd_client", "signerd"}
    with Path("finished").open("a") as file:
        file.write("x")


def pytest_runtest_setup(item):
    from pytest_signerd.stash import begun_run

    begun_run(item.config)
"""
    )
    done = run_pytest(directory, "-q", "-n", "1")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert (directory / "finished").read_text() == "xx", done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "ini", "message"),
    [
        (("--signerd-target", "127.0.0.1:1"), "", "give --signerd-tls"),
        (("--signerd-seed", "1000000"), "", "--signerd-seed is 0 to 999999"),
        ((), "signerd_settings = fronts = 2\n", "not of the form section.key = value"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    tmp_path: Path, arguments: tuple[str, ...], ini: str, message: str
) -> None:
    """With what to give instead."""
    done = run_pytest(_write(tmp_path / "suite", "def test_a(): pass\n", ini), *arguments)
    assert done.returncode == 4
    assert message in done.stderr
