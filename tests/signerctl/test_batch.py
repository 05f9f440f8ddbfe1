"""Certificates for a file of customers, whatever happens meanwhile."""

import csv
import json
import os
import pty
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from signerctl.customer import Customer, read_customers
from signerctl.data import DataError
from signerctl.exit_code import ExitCode
from tests.client.scripted_daemon import Context, ScriptedDaemon, refuse
from tests.client.signerctl_process import COMMAND, Result, Signerctl, environment
from tests.e2e.waiting import wait_until

_HEADER = "subscriber,name,romanised_name,email,branch_code,identity_number"
_NUMBER = "9001011234567"


@pytest.fixture
def batch(signerctl: Signerctl, directory: Path) -> "Batch":
    return Batch(signerctl, directory)


class Batch:
    """A file of customers, a directory, and the command for them."""

    def __init__(self, signerctl: Signerctl, directory: Path) -> None:
        self._signerctl = signerctl
        self.file = directory / "customers.csv"
        self.out = directory / "out"

    def write(self, subscribers: Iterable[str]) -> None:
        """The file with these customers."""
        rows = (f"{one},홍길동,Hong,{one}@bank.example,071,{_NUMBER}" for one in subscribers)
        self.file.write_text("\n".join((_HEADER, *rows)) + "\n")

    def arguments(self, *more: str) -> tuple[str, ...]:
        files = (str(self.file), "--out", str(self.out))
        return ("batch", "issue", *files, "--profile", "personal", *more)

    def run(self, *more: str, timeout_s: int = 30) -> Result:
        """Run it to its end."""
        return self._signerctl("--timeout", str(timeout_s), *self.arguments(*more))

    def begin(self, *more: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
        """Start it."""
        return subprocess.Popen(
            (*COMMAND, *self.arguments(*more)),
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(SIGNERD_TARGET=self._signerctl.target),
        )

    def report(self) -> dict[str, tuple[str, str, str]]:
        """Status, certificate and error by subscriber."""
        with (self.out / "report.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["subscriber", "status", "certificate", "error"]
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def journal(self) -> list[dict[str, str]]:
        lines = (self.out / "journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def _ids(daemon: ScriptedDaemon) -> dict[str, list[str]]:
    """Request ids by subscriber, in the order in which the calls arrived."""
    found: dict[str, list[str]] = {}
    for request in daemon.script.requests["IssueCertificate"]:
        found.setdefault(request.subscriber.removeprefix("subscribers/"), []).append(
            request.request_id
        )
    return found


def test_each_customer_gets_a_certificate(daemon: ScriptedDaemon, batch: Batch) -> None:
    """A PEM file and a line of the report for each, in the order of the file; what is in the
    columns arrives in the request; the summary counts."""
    names = [f"cust-{number}" for number in range(20)]
    batch.write(names)
    done = batch.run("--key-group", "vip", "--algorithm", "EC_P256_SHA256")
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert "20 (20 now" in done.out
    certificate = daemon.answers.certificate_name
    assert batch.report() == dict.fromkeys(names, ("issued", certificate, ""))
    assert list(batch.report()) == names
    for name in names:
        pem = (batch.out / "certificates" / f"{name}.pem").read_bytes()
        assert x509.load_pem_x509_certificate(pem) == daemon.answers.holder.certificate
    assert len(list((batch.out / "certificates").iterdir())) == len(names)
    request = daemon.script.requests["IssueCertificate"][0]
    name = request.subscriber.removeprefix("subscribers/")
    assert (request.subject.common_name, request.subject.email) == (
        "홍길동",
        f"{name}@bank.example",
    )
    assert (request.subject.branch, request.key_group) == ("071", "vip")
    assert request.subject.identity_number == _NUMBER
    written = [path for path in batch.out.rglob("*") if path.is_file()]
    assert len(written) == len(names) + 2
    assert not any(_NUMBER.encode() in path.read_bytes() for path in written)
    assert _NUMBER not in done.out
    batch_id = uuid.UUID(batch.journal()[0]["batch"])
    assert _ids(daemon) == {name: [str(uuid.uuid5(batch_id, name))] for name in names}


def test_a_finished_batch_asks_for_nothing(daemon: ScriptedDaemon, batch: Batch) -> None:
    """Run again it says the same; customers added to the file are issued to."""
    batch.write(["a", "b"])
    assert batch.run().code == ExitCode.OK
    again = batch.run("--output", "json")
    assert again.code == ExitCode.OK
    summary = json.loads(again.out)
    assert (summary["issued"], summary["issued_now"], summary["pending"]) == (2, 0, 0)
    batch.write(["a", "b", "c"])
    assert json.loads(batch.run("-o", "json").out)["issued_now"] == 1
    assert {name: len(ids) for name, ids in _ids(daemon).items()} == {"a": 1, "b": 1, "c": 1}


def test_a_refusal_is_one_customers_matter(daemon: ScriptedDaemon, batch: Batch) -> None:
    """The others get theirs; the report has the reason, the exit code is 1, and the next run asks
    for that customer alone, with the same request id."""
    batch.write(["a", "b", "c"])
    refusal = refuse(
        grpc.StatusCode.INVALID_ARGUMENT, "email: is no address", reason="INVALID_REQUEST"
    )
    daemon.script.next_calls("IssueCertificate", refusal)
    done = batch.run("--at-once", "1", "-o", "json")
    assert done.code == ExitCode.NEGATIVE
    assert json.loads(done.out)["failed"] == 1
    assert batch.report()["a"] == ("failed", "", "INVALID_REQUEST: email: is no address")
    assert {batch.report()[name][0] for name in ("b", "c")} == {"issued"}
    assert batch.run().code == ExitCode.OK
    ids = _ids(daemon)
    assert {name: len(of_one) for name, of_one in ids.items()} == {"a": 2, "b": 1, "c": 1}
    assert len(set(ids["a"])) == 1


def test_what_may_pass_is_told_apart(daemon: ScriptedDaemon, batch: Batch) -> None:
    """When nothing worse than a temporary failure happened the exit code says: try again."""
    batch.write(["a", "b"])
    full = refuse(grpc.StatusCode.ABORTED, "somebody else is at it", reason="INTERRUPTED")
    daemon.script.next_calls("IssueCertificate", full)
    assert batch.run("--at-once", "1").code == ExitCode.TRY_AGAIN
    assert batch.run().code == ExitCode.OK


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_batch_goes_on(
    daemon: ScriptedDaemon, batch: Batch, number: signal.Signals
) -> None:
    """Ended while calls are under way, the next run repeats those with the same ids and asks for
    nobody who has a certificate; never more calls at once than asked for."""
    names = [f"cust-{number}" for number in range(12)]
    batch.write(names)

    def answer(_context: Context, _answer: object) -> None:
        pass

    daemon.script.next_calls("IssueCertificate", *[answer] * 5, *[daemon.script.hang] * len(names))
    first = batch.begin("--at-once", "3")
    wait_until(lambda: len(_ids(daemon)) == 8, "three calls hang")
    wait_until(lambda: len(batch.journal()) == 6, "five are on record")
    first.send_signal(number)
    out, err = first.communicate(timeout=60)
    assert b"Traceback" not in err
    assert out == b""
    assert len(_ids(daemon)) == 8
    if number is signal.SIGINT:
        assert first.returncode == ExitCode.INTERRUPTED
        statuses = [status for status, _, _ in batch.report().values()]
        assert (statuses.count("issued"), statuses.count("pending")) == (5, 7)
    daemon.script.released.set()
    daemon.script.clear("IssueCertificate")
    done = batch.run("-o", "json")
    assert (done.code, json.loads(done.out)["issued_now"]) == (ExitCode.OK, 7)
    ids = _ids(daemon)
    assert set(ids) == set(names)
    assert all(len(set(of_one)) == 1 for of_one in ids.values())
    assert sum(map(len, ids.values())) == 12 + 3


def test_a_lost_daemon_ends_the_run(daemon: ScriptedDaemon, batch: Batch) -> None:
    """When nobody answers any more the rest is pending, with the exit code of a connection that
    cannot be made."""
    batch.write(["a", "b", "c"])

    def stop(_context: Context, _answer: object) -> None:
        daemon.stop()

    daemon.script.next_calls("IssueCertificate", stop)
    done = batch.run("--at-once", "1", timeout_s=3)
    assert done.code == ExitCode.NOT_CONNECTED
    assert {status for status, _, _ in batch.report().values()} == {"pending"}


def test_a_line_that_was_cut_off_is_asked_for_again(daemon: ScriptedDaemon, batch: Batch) -> None:
    """A journal whose last line is incomplete, and a certificate whose file is gone, cost one more
    call with the same id each."""
    names = ["a", "b", "c"]
    batch.write(names)
    assert batch.run("--at-once", "1").code == ExitCode.OK
    journal = batch.out / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-5])
    (batch.out / "certificates" / "a.pem").unlink()
    done = batch.run("-o", "json")
    assert (done.code, json.loads(done.out)["issued_now"]) == (ExitCode.OK, 2)
    ids = _ids(daemon)
    assert {name: (len(ids[name]), len(set(ids[name]))) for name in names} == {
        "a": (2, 1),
        "b": (1, 1),
        "c": (2, 1),
    }
    assert [line.get("subscriber") for line in batch.journal()].count("c") == 1


def test_a_batch_that_was_killed_before_it_began_begins(batch: Batch) -> None:
    """A first line that is incomplete stands for nothing: no call was made before it was whole."""
    batch.write(["a"])
    batch.out.mkdir()
    (batch.out / "journal.jsonl").write_text('{"batch": "0000')
    assert batch.run().code == ExitCode.OK
    assert [sorted(line) for line in batch.journal()][1] == ["certificate", "subscriber"]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("--algorithm", "ED25519"), "algorithm RSA_2048_PKCS1_SHA256"),
        (("--key-group", "vip"), "key_group"),
    ],
)
def test_a_batch_goes_on_as_it_was_begun(
    daemon: ScriptedDaemon, batch: Batch, more: tuple[str, ...], word: str
) -> None:
    """Asking for something else under the same ids would be refused a customer at a time; so it is
    at once."""
    batch.write(["a"])
    assert batch.run().code == ExitCode.OK
    refused = batch.run(*more)
    assert (refused.code, word in refused.err) == (ExitCode.USAGE, True)
    assert len(_ids(daemon)["a"]) == 1


def test_another_principal_does_not_go_on_with_a_batch(
    daemon: ScriptedDaemon, batch: Batch
) -> None:
    """Request ids belong to the caller: another one would get certificates twice."""
    batch.write(["a", "b"])
    hang: Callable[..., None] = daemon.script.hang
    daemon.script.next_calls("IssueCertificate", hang)
    first = batch.begin("--at-once", "1")
    wait_until(lambda: _ids(daemon), "a call is under way")
    first.kill()
    first.communicate()

    def other(_context: Context, answer: object) -> None:
        setattr(answer, "principal", "uri:spiffe://bank.example/other")  # noqa: B010 - any message

    daemon.script.next_calls("GetServerInfo", other)
    refused = batch.run()
    assert (refused.code, "principal" in refused.err) == (ExitCode.USAGE, True)


def test_a_batch_is_too_old_before_its_ids_are_forgotten(
    daemon: ScriptedDaemon, batch: Batch
) -> None:
    """After six days an open batch is refused, a finished one only reported on."""
    batch.write(["a"])
    assert batch.run().code == ExitCode.OK
    journal = batch.out / "journal.jsonl"
    head, line = journal.read_text().splitlines()
    begun = json.loads(head) | {"begun": "2020-01-01T00:00:00+00:00"}
    journal.write_text(f"{json.dumps(begun)}\n{line}\n")
    assert batch.run().code == ExitCode.OK
    batch.write(["a", "b"])
    refused = batch.run()
    assert (refused.code, "begin another batch" in refused.err) == (ExitCode.USAGE, True)
    assert set(_ids(daemon)) == {"a"}


def test_two_runs_of_a_batch_do_not_meet(daemon: ScriptedDaemon, batch: Batch) -> None:
    """While one works on a directory another is refused."""
    batch.write(["a"])
    daemon.script.next_calls("IssueCertificate", daemon.script.hang)
    first = batch.begin()
    wait_until(lambda: _ids(daemon), "a call is under way")
    refused = batch.run()
    first.kill()
    first.communicate()
    assert (refused.code, "another run" in refused.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("subscriber,email\na,b\n", "names no column name"),
        ("", "names no column subscriber, name"),
        ("subscriber,name\n", "has no customers"),
        ("subscriber,name\na,A\na,B\n", "line 3: a was there before"),
        ("subscriber,name\na,A\n,B\n", "line 3: subscriber is empty"),
        ("subscriber,name\na,A,x\n", "line 2: it has not as many fields"),
        ("subscriber,name,email\na,A\n", "line 2: it has not as many fields"),
        ('subscriber,name\na,"A\n', "line 2"),
        ("subscriber,name\na,\udcff\n", "is not UTF-8"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, text: str, word: str) -> None:
    """Nothing is guessed about a customer."""
    file = tmp_path / "customers.csv"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError) as refused:
        read_customers(file)
    assert word in str(refused.value)


def test_a_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """With a byte order mark, CRLF, quotes, spaces around, and columns that are nobody's."""
    file = tmp_path / "customers.csv"
    file.write_bytes('name,note,subscriber\r\n" 홍, 길동 ","a\r\nb",hong \r\n'.encode("utf-8-sig"))
    assert read_customers(file) == (Customer("hong", "홍, 길동"),)


def test_a_file_that_makes_no_sense_is_refused_whole(daemon: ScriptedDaemon, batch: Batch) -> None:
    """Before anything is issued to anybody."""
    batch.write(["a", "b", "a"])
    refused = batch.run()
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")
    assert "line 4: a was there before" in refused.err
    assert not _ids(daemon)
    assert not batch.out.exists()


def test_a_profile_that_is_not_there_is_found_out_first(
    daemon: ScriptedDaemon, batch: Batch
) -> None:
    """Before hundreds of customers are refused for it."""
    batch.write(["a"])
    refused = batch.run("--profile", "persnal")
    assert (refused.code, "it has personal" in refused.err) == (ExitCode.USAGE, True)
    assert not _ids(daemon)


def test_a_directory_that_cannot_be_used_is_named(batch: Batch) -> None:
    """Also a journal that somebody else wrote."""
    batch.write(["a"])
    batch.out.write_text("a file")
    assert f"cannot write {batch.out}" in batch.run().err
    batch.out.unlink()
    batch.out.mkdir()
    (batch.out / "journal.jsonl").write_text("hello\n")
    refused = batch.run()
    assert (refused.code, "is not what signerctl writes" in refused.err) == (ExitCode.USAGE, True)


def test_progress_is_for_terminals(batch: Batch) -> None:
    """A terminal sees count, rate and time left; a file sees nothing of it."""
    batch.write([f"cust-{number}" for number in range(30)])
    master, slave = pty.openpty()
    done = batch.begin(stderr=slave)
    out, _ = done.communicate(timeout=60)
    os.close(slave)
    seen = b""
    while chunk := _read(master):
        seen += chunk
    os.close(master)
    assert done.returncode == 0
    assert b"30/30" in seen
    assert b"/s" in seen
    assert b"left" in seen
    assert b"30/30" not in out


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
