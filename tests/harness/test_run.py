"""Scenarios on real daemons, from the command line."""

import json
import shutil
import signal
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signerctl.exit_code import ExitCode
from signerd_client import CertificateState, Client, RevocationReason
from signerd_harness.act import RULES
from signerd_harness.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from tests.client.signerctl_process import COMMAND, environment
from tests.e2e.waiting import wait_until

pytestmark = pytest.mark.long

_SCENARIO = """
title = "a few"
[customers]
count = 8
seed = 11
algorithm = "EC_P256_SHA256"
[arrival]
{arrival}
[run]
count = 60
[mix]
transfer = 3
login = 1
reissue = 1
transfer-replaced = 1
[thresholds.p99_ms]
transfer = {p99_ms}
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    with private_daemon(DaemonSize(fronts=1, hosts=1)) as running:
        yield running


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for everything temporary, with a short path for sockets; must be empty again
    afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    yield directory
    left_behind = list(directory.iterdir())
    shutil.rmtree(directory)
    assert left_behind == []


def _run(
    *arguments: str | Path, temporary: Path, before: tuple[str | Path, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = (*COMMAND, *before, "harness", "run", *arguments, "--output", "json")
    return subprocess.run(
        [str(part) for part in command],
        env=environment(TMPDIR=str(temporary)),
        capture_output=True,
        text=True,
        check=False,
    )


def _at(daemon: PrivateDaemon) -> tuple[str | Path, ...]:
    return ("--target", daemon.address, "--ca", daemon.directory / "tls" / "ca.pem")


def _identities(daemon: PrivateDaemon) -> tuple[str | Path, ...]:
    return ("--identities", daemon.directory / "tls" / "clients")


def _judged(done: subprocess.CompletedProcess[str], directory: Path) -> dict[str, Any]:
    """The summary, after looking at what people and build servers get."""
    summary: dict[str, Any] = json.loads(done.stdout)["summary"]
    assert summary == json.loads((directory / "summary.json").read_text())
    suite = ET.parse(directory / "junit.xml").getroot()[0]  # noqa: S314 - our own file
    assert int(suite.attrib["failures"]) == len(summary["failed_checks"])
    assert len(suite) == int(suite.attrib["tests"])
    html = (directory / "report.html").read_text()
    assert html.count("<svg") == 2
    assert "http" not in html.replace("http-equiv", "")
    return summary


@pytest.mark.timeout(300)
def test_smoke(temporary: Path, tmp_path: Path) -> None:
    """Every act ends as it must, on a daemon that the command starts and removes; every signature
    is verified."""
    done = _run("smoke", "--private", "--out", tmp_path, temporary=temporary)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    summary = _judged(done, tmp_path)
    assert summary["passed"]
    assert (summary["wrong_results"], summary["errors"]) == (0, 0)
    assert summary["acts"] == 250
    assert {one["act"] for one in summary["by_act"]} == set(RULES)
    assert summary["signatures"] == summary["signatures_verified"] > 100
    assert summary["chains_verified"] > 20


@pytest.mark.timeout(300)
def test_incident(temporary: Path, tmp_path: Path) -> None:
    """Fronts and token hosts are killed at random meanwhile: no result is wrong."""
    few = ("--customers", "12", "--duration", "6")
    done = _run("incident", "--private", *few, "--out", tmp_path, temporary=temporary)
    summary = _judged(done, tmp_path)
    # On a machine that is busy with others, all fronts may be gone for longer than calls wait.
    failed = [check for check in summary["failed_checks"] if "without a result" not in check]
    assert (summary["wrong_results"], failed) == (0, []), done.stdout
    assert done.returncode == (ExitCode.NEGATIVE if summary["failed_checks"] else ExitCode.OK)
    assert summary["kills"] >= 2
    assert summary["signatures"] == summary["signatures_verified"] > 0


@pytest.mark.timeout(300)
def test_a_run_goes_on_and_finds_what_is_wrong(
    daemon: PrivateDaemon, temporary: Path, tmp_path: Path
) -> None:
    """Against a daemon of one's own, customers are enrolled once. When somebody revokes them behind
    its back, the run says so; and who changes the terms has to take another directory."""
    scenario, out = tmp_path / "few.toml", tmp_path / "out"
    scenario.write_text(_SCENARIO.format(arrival="callers = 3", p99_ms=60_000))
    arguments = (scenario, *_identities(daemon), "--out", out)
    first = _run(*arguments, before=_at(daemon), temporary=temporary)
    assert first.returncode == ExitCode.OK, first.stdout + first.stderr
    summary = _judged(first, out)
    assert (summary["enrolled"], summary["enrolled_now"], summary["acts"]) == (8, 8, 60)

    scenario.write_text(_SCENARIO.format(arrival="rate_per_s = 40\nramp_s = 0.5", p99_ms=0.001))
    again = _run(*arguments, before=_at(daemon), temporary=temporary)
    assert again.returncode == ExitCode.NEGATIVE, again.stdout + again.stderr
    summary = _judged(again, out)
    assert (summary["enrolled"], summary["enrolled_now"], summary["acts"]) == (8, 0, 60)
    assert summary["failed_checks"] == ["p99 of transfer is at most 0.001 ms"]
    assert summary["wrong_results"] == 0

    with Client(daemon.target("ra-officer")) as officer:
        for certificate in officer.list_certificates(state=CertificateState.ACTIVE):
            officer.revoke_certificate(certificate.name, RevocationReason.UNSPECIFIED)
    found = _run(*arguments, before=_at(daemon), temporary=temporary)
    assert found.returncode == ExitCode.NEGATIVE
    summary = _judged(found, out)
    assert "transfer is done" in summary["failed_checks"]
    assert summary["wrong_results"] > 0
    assert any("CREDENTIAL_RETIRED" in sample for sample in summary["samples"])

    other = _run(*arguments, "--seed", "12", before=_at(daemon), temporary=temporary)
    assert other.returncode == ExitCode.USAGE
    assert "was begun with population" in json.loads(other.stderr)["error"]["message"]


def test_ctrl_c_ends_the_acts_and_not_the_report(
    daemon: PrivateDaemon, temporary: Path, tmp_path: Path
) -> None:
    """What was signed until then is verified, and the exit code says that it was interrupted."""
    scenario, out = tmp_path / "long.toml", tmp_path / "out"
    text = _SCENARIO.format(arrival="rate_per_s = 5", p99_ms=60_000)
    scenario.write_text(text.replace("seed = 11", "seed = 13"))
    arguments = ("harness", "run", scenario, *_identities(daemon), "--out", out, "-o", "json")
    with subprocess.Popen(
        [str(part) for part in (*COMMAND, *_at(daemon), *arguments, "--duration", "200")],
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        signatures = out / "signatures-0.bin"
        wait_until(lambda: signatures.exists() and signatures.stat().st_size, "orders are signed")
        running.send_signal(signal.SIGINT)
        told, errors = running.communicate(timeout=120)
    assert running.returncode == ExitCode.INTERRUPTED, errors
    summary = json.loads(told)["summary"]
    assert summary["stopped"]
    assert summary["signatures"] == summary["signatures_verified"] > 0
    assert (out / "report.html").exists()


def test_what_needs_a_private_daemon_is_said(
    daemon: PrivateDaemon, temporary: Path, tmp_path: Path
) -> None:
    """Nobody's processes are killed, and nobody's clock is set, but one's own."""
    arguments = ("incident", *_identities(daemon), "--out", tmp_path)
    done = _run(*arguments, before=_at(daemon), temporary=temporary)
    assert done.returncode == ExitCode.USAGE
    assert "--private" in json.loads(done.stderr)["error"]["message"]
