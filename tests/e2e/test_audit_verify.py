"""`signerd audit verify` on copies of a database that somebody has changed."""

import json
import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.audit.canonical import encode_event
from signerd.audit.chain import hash_at
from signerd.audit.event import AuditEvent, EventKind
from signerd.store.column import from_microseconds
from signerd_client import Client, KeyAlgorithm
from signerd_client.certificate import pem_encode
from tests.e2e.waiting import wait_until

_CHAIN = "local/front-0"
_SETTINGS = {"audit.checkpoint_interval_s": "0.2"}


@pytest.fixture(scope="module")
def kept() -> Iterator[PrivateDaemon]:
    """A stopped daemon with a dozen records in the chain of its front."""
    with private_daemon(DaemonSize(fronts=1, hosts=1), _SETTINGS) as daemon:
        with (
            Client(daemon.target("ra-officer")) as officer,
            Client(daemon.target("signer")) as signer,
        ):
            credential = officer.issue_certificate(
                "cust", "personal", "Kim", key_algorithm=KeyAlgorithm.EC_P256_SHA256
            ).credential
            for number in range(10):
                signer.sign(credential, data=b"order %d" % number)
        running = daemon.run("audit", "verify")
        assert running.returncode == 0, running.stdout + running.stderr
        daemon.stop()
        yield daemon


@pytest.fixture
def database(kept: PrivateDaemon) -> Iterator[Path]:
    """The database in the place of which a changed copy is put, and put back afterwards."""
    path = kept.directory / "signerd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    original = path.read_bytes()
    yield path
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    path.write_bytes(original)


def _change(database: Path, *statements: str, other: str = "") -> None:
    names = {"chain": _CHAIN, "other": other}
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement, names).rowcount >= 1, statement


def test_an_untouched_record_is_good(kept: PrivateDaemon, database: Path) -> None:
    """Each chain in a line, the total at the end, exit status 0."""
    assert database.exists()
    done = kept.run("audit", "verify")
    assert done.returncode == 0
    *chains, checkpoints, uncovered, total = done.stdout.splitlines()
    assert [line.split(":")[0] for line in chains] == [
        *("chain local/front-0", "chain local/init", "chain local/keeper"),
    ]
    assert checkpoints.startswith("checkpoints: ")
    counts = re.match(r"checkpoints: (\d+) in .*; (\d+) with a time stamp$", checkpoints)
    assert counts is not None
    assert counts[1] == counts[2] != "0"
    # That the keeper has stopped is put on record after its last checkpoint.
    assert uncovered == "not yet under a checkpoint: 1"
    assert total.startswith("good: 3 chains, ")


_TAMPERING: dict[str, tuple[tuple[str, ...], str]] = {
    "another principal": (
        ("UPDATE audit_events SET principal = 'uri:nobody' WHERE chain = :chain AND sequence = 5",),
        "4 records good, then record 5 ",
    ),
    "another time": (
        ("UPDATE audit_events SET time_us = time_us + 1 WHERE chain = :chain AND sequence = 6",),
        "5 records good, then record 6 ",
    ),
    "another detail": (
        ("UPDATE audit_events SET details = '{}' WHERE chain = :chain AND sequence = 4",),
        "3 records good, then record 4 ",
    ),
    "one cut out": (
        ("DELETE FROM audit_events WHERE chain = :chain AND sequence = 7",),
        "then record 7 is missing",
    ),
    "the end cut off": (
        ("DELETE FROM audit_events WHERE chain = :chain AND sequence > 8",),
        "8 records good, then record 9 and all after it are missing",
    ),
    "the beginning cut off": (
        ("DELETE FROM audit_events WHERE chain = :chain AND sequence = 1",),
        "0 records good, then record 1 is missing",
    ),
    "two swapped": (
        (
            "UPDATE audit_events SET sequence = 1000 WHERE chain = :chain AND sequence = 5",
            "UPDATE audit_events SET sequence = 5 WHERE chain = :chain AND sequence = 6",
            "UPDATE audit_events SET sequence = 6 WHERE chain = :chain AND sequence = 1000",
        ),
        "4 records good, then record 5 ",
    ),
    "one added at the end": (
        (
            (
                "INSERT INTO audit_events (chain, sequence, time_us, kind, principal, resource, "
                "request_id, details, previous_hash, hash) SELECT chain, "
                "(SELECT max(sequence) + 1 FROM audit_events WHERE chain = :chain), time_us, "
                "kind, principal, resource, request_id, details, previous_hash, hash "
                "FROM audit_events WHERE chain = :chain AND sequence = 5"
            ),
        ),
        "was never counted by the head of the chain",
    ),
    "a whole chain gone": (
        ("DELETE FROM audit_events WHERE chain = :chain",),
        "0 records good, then record 1 and all after it are missing",
    ),
    "the head turned back": (
        ("UPDATE audit_heads SET length = length - 1 WHERE chain = :chain",),
        "was never counted by the head of the chain",
    ),
}


@pytest.mark.parametrize("what", _TAMPERING)
def test_tampering_is_found_and_named(what: str, kept: PrivateDaemon, database: Path) -> None:
    """Exit status 1; the chain and the first bad record are named, the other chains are good."""
    statements, expected = _TAMPERING[what]
    _change(database, *statements)
    done = kept.run("audit", "verify")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (bad,) = [line for line in lines if line.startswith("chain ") and "all good" not in line]
    assert bad.startswith(f"chain {_CHAIN}: ")
    assert expected in bad
    assert lines[-1].startswith("BROKEN: 3 chains")
    assert "Traceback" not in done.stderr


_CHECKPOINT_TAMPERING = {
    "UPDATE audit_checkpoints SET time_stamp = zeroblob(9) WHERE number = 1": (
        "checkpoint 1 in the database has a time stamp that cannot be read"
    ),
    "UPDATE audit_checkpoints SET time_stamp = NULL WHERE number = 1": (
        "checkpoint 1 in the database has another time stamp than in the checkpoint file"
    ),
    "UPDATE audit_checkpoints SET signature = zeroblob(70) WHERE number = 1": (
        "checkpoint 1 in the database does not have the signature of the audit key"
    ),
}


@pytest.mark.parametrize("statement", _CHECKPOINT_TAMPERING)
def test_a_changed_checkpoint_is_named(statement: str, kept: PrivateDaemon, database: Path) -> None:
    """The records are good, and it is said what the checkpoint no longer is."""
    _change(database, statement)
    done = kept.run("audit", "verify")
    assert done.returncode == 1
    assert _CHECKPOINT_TAMPERING[statement] in done.stdout.splitlines()
    assert [line for line in done.stdout.splitlines() if "all good" in line]


def test_records_that_changed_their_chains_are_found(kept: PrivateDaemon, database: Path) -> None:
    """The same number and hash links in another chain do not make a record of it."""
    other = f"local/x{uuid.uuid4().hex[:4]}"
    _change(
        database,
        "UPDATE audit_events SET chain = :other WHERE chain = :chain",
        "UPDATE audit_heads SET chain = :other WHERE chain = :chain",
        other=other,
    )
    done = kept.run("audit", "verify")
    assert done.returncode == 1
    assert f"chain {other}: 0 records good, then record 1 " in done.stdout


def _rewrite(database: Path, sequence: int) -> int:
    """Change a record and make all of the database fit again; the position of that record."""
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = connection.execute(
            "SELECT position, time_us, kind, principal, resource, request_id, details, "
            "previous_hash FROM audit_events WHERE chain = ? AND sequence >= ? ORDER BY sequence",
            (_CHAIN, sequence),
        ).fetchall()
        previous = rows[0][-1]
        for number, (position, time_us, kind, principal, *rest, _) in enumerate(rows, sequence):
            resource, request_id, details = rest
            who = "uri:nobody" if number == sequence else principal
            event = AuditEvent(
                *(EventKind(kind), from_microseconds(time_us), who, resource, request_id),
                json.loads(details),
            )
            hash_ = hash_at(_CHAIN, number, previous, encode_event(event))
            connection.execute(
                "UPDATE audit_events SET principal = ?, previous_hash = ?, hash = ? "
                "WHERE position = ?",
                (who, previous, hash_, position),
            )
            previous = hash_
        connection.execute(
            "UPDATE audit_heads SET head_hash = ? WHERE chain = ?", (previous, _CHAIN)
        )
        return int(rows[0][0])


@pytest.mark.parametrize("keeps_checkpoints", [True, False])
def test_a_database_rewritten_as_a_whole_is_found(
    kept: PrivateDaemon, database: Path, *, keeps_checkpoints: bool
) -> None:
    """Every hash and head fits, and the checkpoints may be gone as well: the record is named."""
    position = _rewrite(database, 5)
    if not keeps_checkpoints:
        _change(database, "DELETE FROM audit_coverage", "DELETE FROM audit_checkpoints")
    done = kept.run("audit", "verify")
    assert done.returncode == 1
    assert (
        f"chain {_CHAIN}: 4 records good, then record 5 (position {position}) is not the one that "
        "a checkpoint was signed over"
    ) in done.stdout.splitlines()


def test_a_database_put_back_is_found(kept: PrivateDaemon, database: Path) -> None:
    """Yesterday's copy is consistent, and the checkpoint file knows more. The keeper notices it
    too: it makes no further checkpoint, while signing goes on."""
    backup = database.read_bytes()
    file = kept.directory / "checkpoints.jsonl"
    filed = file.read_bytes()
    kept.start()
    wait_until(lambda: file.read_bytes() != filed, "a checkpoint is filed")
    kept.stop()
    assert kept.run("audit", "verify").returncode == 0
    for side in ("-wal", "-shm"):
        database.with_name(database.name + side).unlink(missing_ok=True)
    database.write_bytes(backup)
    done = kept.run("audit", "verify")
    assert done.returncode == 1
    assert "is in the checkpoint file and not in the database" in done.stdout
    kept.start()
    wait_until(lambda: "AUDIT_ROLLED_BACK" in kept.log(), "the keeper sees it")
    kept.stop()
    assert kept.run("audit", "verify").returncode == 1
    # Meant: the operator moves the file away, and everything goes on.
    file.rename(file.with_suffix(".before"))
    kept.start()
    wait_until(file.exists, "a new file is begun")
    kept.stop()
    assert kept.run("audit", "verify").returncode == 0
    file.write_bytes(filed)


def test_the_root_and_the_file_can_come_from_elsewhere(
    kept: PrivateDaemon, database: Path, tmp_path: Path
) -> None:
    """An auditor brings both: of another CA, or with less than all, they do not fit."""
    assert database.exists()
    root = tmp_path / "root.pem"
    with closing(sqlite3.connect(database)) as connection:
        ((der,),) = connection.execute("SELECT certificate FROM system_keys WHERE role = 'ROOT'")
    root.write_text(pem_encode("CERTIFICATE", der))
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((kept.directory / "checkpoints.jsonl").read_bytes())
    done = kept.run("audit", "verify", "--ca", str(root), "--checkpoint-file", str(copy))
    assert done.returncode == 0
    assert str(copy) in done.stdout
    done = kept.run("audit", "verify", "--ca", str(kept.directory / "tls" / "ca.pem"))
    assert done.returncode == 1
    assert "checkpoints: the database names another root CA than the one given" in done.stdout
    done = kept.run("audit", "verify", "--checkpoint-file", str(tmp_path / "none"))
    assert done.returncode == 78
    copy.write_bytes(b"")
    done = kept.run("audit", "verify", "--checkpoint-file", str(copy))
    assert done.returncode == 1
    assert "is missing or empty" in done.stdout
