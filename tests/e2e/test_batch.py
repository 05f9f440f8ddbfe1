"""Hundreds of customers against a running daemon, and a run that is killed in the middle."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from examples.private_daemon import PrivateDaemon
from signerctl.exit_code import ExitCode
from signerd_client import Client
from signerd_client.certificate import pem_encode
from tests.e2e.openssl import openssl
from tests.e2e.signerctl import SIGNERCTL, environment
from tests.e2e.waiting import wait_until

_CUSTOMERS = 201
_BRANCHES = ("001", "014", "071")


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """A file of customers."""
    file = tmp_path / "customers.csv"
    lines = (
        f"batch-{number:03},고객{number},b{number}@bank.example,{_BRANCHES[number % 3]}"
        for number in range(_CUSTOMERS)
    )
    file.write_text("\n".join(("subscriber,name,email,branch_code", *lines)) + "\n")
    return file


def _begin(daemon: PrivateDaemon, customers: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        (
            *(SIGNERCTL, "batch", "issue", str(customers), "--profile", "personal"),
            *("--algorithm", "EC_P256_SHA256", "--out", str(customers.parent / "out")),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(daemon, "ra-officer"),
    )


def _wait_for(journal: Path, lines: int) -> None:
    wait_until(
        lambda: journal.exists() and journal.read_bytes().count(b"\n") > lines, "some are issued"
    )


def test_a_batch_that_is_killed_twice_gives_each_customer_one_certificate(
    daemon: PrivateDaemon, customers: Path, officer: Client
) -> None:
    """SIGKILL in the middle of the work, twice; the third run finishes it. Nobody has none, nobody
    has two, and openssl finds that the files are the customers' certificates."""
    out = customers.parent / "out"
    for reached in (30, 90):
        run = _begin(daemon, customers)
        _wait_for(out / "journal.jsonl", reached)
        run.kill()
        run.communicate()
    last = _begin(daemon, customers)
    said, err = last.communicate(timeout=240)
    assert (last.returncode, err) == (ExitCode.OK, "")
    assert f"{_CUSTOMERS} (" in said
    held = Counter(
        one.subscriber.removeprefix("subscribers/")
        for one in officer.list_certificates(page_size=1000)
        if one.subscriber.startswith("subscribers/batch-")
    )
    assert held == Counter(f"batch-{number:03}" for number in range(_CUSTOMERS))
    with (out / "report.csv").open(newline="") as file:
        report = list(csv.DictReader(file))
    assert [line["subscriber"] for line in report] == sorted(held)
    assert {(line["status"], line["error"]) for line in report} == {("issued", "")}
    files = sorted((out / "certificates").iterdir())
    assert [file.name for file in files] == [f"{one}.pem" for one in sorted(held)]
    chain = out / "chain.pem"
    chain.write_text("".join(pem_encode("CERTIFICATE", der) for der in officer.get_ca_chain()))
    judged = openssl("verify", "-CAfile", str(chain), *map(str, files))
    assert judged.stdout.count(": OK\n") == _CUSTOMERS
    serial = openssl("x509", "-in", str(files[7]), "-noout", "-serial").stdout
    assert (
        f"certificates/{serial.strip().removeprefix('serial=').lower()}"
        in (report[7]["certificate"])
    )
    branches = Counter[str]()
    for one in officer.count_certificates():
        branches[one.branch] += one.count
    assert all(branches[branch] >= _CUSTOMERS // 3 for branch in _BRANCHES)
