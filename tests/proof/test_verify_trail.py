"""Whatever somebody does to database and file without the audit key is found, and named."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from signerd.audit.verify import Fault, VerifyReport
from signerd.proof.judge import AuditAuthority, CheckpointJudge
from signerd.proof.verify import TrailReport
from tests.pki.software_authority import authority_for
from tests.proof.scene import ALGORITHM, FRONT, OTHER, Row, Scene, authority, build


@pytest.fixture(scope="module")
def original() -> Iterator[Scene]:
    """Made once; every test works on a copy."""
    with tempfile.TemporaryDirectory(prefix="sd") as directory:
        yield build(Path(directory))


@pytest.fixture
def scene(original: Scene, tmp_path: Path) -> Scene:
    shutil.copytree(original.directory, tmp_path / "state")
    return Scene(tmp_path / "state")


def _verify(scene: Scene) -> TrailReport:
    return asyncio.run(scene.verify())


def _only_bad(report: TrailReport) -> VerifyReport:
    assert not report.is_good
    (bad,) = (chain for chain in report.chains if not chain.ok)
    return bad


def test_untouched_chains_are_good(scene: Scene) -> None:
    """All of it, with the number of records that no checkpoint covers yet."""
    report = _verify(scene)
    assert report.is_good
    assert [(chain.chain, chain.checked) for chain in report.chains] == [
        (FRONT, 14),
        (OTHER, 6),
        ("local/keeper", 0),
    ]
    assert (report.stored, report.filed, report.uncovered) == (3, 3, 2)
    assert report.newest is not None
    assert report.newest.number == 3


def _edited(sequence: int) -> Callable[[list[Row]], list[Row]]:
    def edit(rows: list[Row]) -> list[Row]:
        rows[sequence - 1]["principal"] = "spiffe://bank/nobody"
        return rows

    return edit


@pytest.mark.parametrize("sequence", range(1, 13))
@pytest.mark.parametrize("witness", ["both", "file", "database"])
def test_a_consistent_edit_is_named(scene: Scene, sequence: int, witness: str) -> None:
    """One record changed and every hash after it recomputed, with the head: the record is named by
    its number and position, from what the database or the file alone remembers."""
    scene.rewrite(FRONT, _edited(sequence))
    if witness == "file":
        scene.execute("DELETE FROM audit_coverage", "DELETE FROM audit_checkpoints")
    elif witness == "database":
        scene.file.path.unlink()
    report = _verify(scene)
    bad = _only_bad(report)
    assert (bad.chain, bad.fault, bad.sequence) == (FRONT, Fault.UNCONFIRMED, sequence)
    with closing(sqlite3.connect(scene.path)) as connection:
        ((position,),) = connection.execute(
            "SELECT position FROM audit_events WHERE chain = ? AND sequence = ?", (FRONT, sequence)
        )
    assert bad.position == position
    assert bad.checked == sequence - 1


_REWRITES: dict[str, tuple[Callable[[list[Row]], list[Row]], int]] = {
    "one cut out": (lambda rows: rows[:6] + rows[7:], 7),
    "the first cut off": (lambda rows: rows[1:], 1),
    "two swapped": (lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]], 4),
    "one put in": (
        lambda rows: [*rows[:9], rows[9] | {"principal": "spiffe://bank/nobody"}, *rows[9:]],
        10,
    ),
}


@pytest.mark.parametrize("what", _REWRITES)
def test_a_consistent_cut_or_swap_is_named(scene: Scene, what: str) -> None:
    """The first record that is not the one that was signed in its place."""
    change, sequence = _REWRITES[what]

    def renumbered(rows: list[Row]) -> list[Row]:
        positions = sorted(row["position"] for row in rows)
        changed = change([dict(row) for row in rows])
        positions += [max(positions) + 1000] * (len(changed) - len(rows))
        return [row | {"position": at} for row, at in zip(changed, positions, strict=False)]

    scene.rewrite(FRONT, renumbered)
    bad = _only_bad(_verify(scene))
    assert (bad.chain, bad.sequence, bad.checked) == (FRONT, sequence, sequence - 1)


def test_a_consistent_cut_at_the_end_is_named(scene: Scene) -> None:
    """The last signed records are missing, although the head counts no more than there are."""
    scene.rewrite(FRONT, lambda rows: rows[:10])
    bad = _only_bad(_verify(scene))
    assert (bad.fault, bad.sequence, bad.checked) == (Fault.CUT, 11, 10)


def test_a_chain_that_is_gone_is_named(scene: Scene) -> None:
    """With its head, so that nothing in the database remembers it."""
    scene.rewrite(OTHER, lambda _: [])
    scene.execute("DELETE FROM audit_heads WHERE chain = 'local/front-1'")
    bad = _only_bad(_verify(scene))
    assert (bad.chain, bad.fault, bad.sequence) == (OTHER, Fault.CUT, 1)


def test_positions_are_signed_too(scene: Scene) -> None:
    """Records of two chains cannot trade places in the order of storage."""
    scene.execute(
        "UPDATE audit_events SET position = position + 500 WHERE chain = 'local/front-1' "
        "AND sequence > 3"
    )
    bad = _only_bad(_verify(scene))
    assert (bad.chain, bad.fault, bad.sequence) == (OTHER, Fault.UNCONFIRMED, 4)


def test_several_bad_chains_are_each_named(scene: Scene) -> None:
    """One bad chain keeps nobody from naming the record of another under the same checkpoint."""
    scene.rewrite(FRONT, _edited(2))
    scene.rewrite(OTHER, _edited(3))
    bad = [(it.chain, it.sequence) for it in _verify(scene).chains if not it.ok]
    assert bad == [(FRONT, 2), (OTHER, 3)]


def test_a_rolled_back_database_is_found(original: Scene, tmp_path: Path) -> None:
    """A copy from before, consistent in itself, is not what the checkpoint file says: the first
    missing record of each chain is named."""
    scene = Scene(tmp_path)

    async def run() -> TrailReport:
        await asyncio.to_thread(shutil.copytree, original.directory, tmp_path, dirs_exist_ok=True)
        backup = scene.path.read_bytes()
        await scene.record(FRONT, 2)
        await scene.record(OTHER, 1)
        await scene.checkpoint(6)
        for side in ("-wal", "-shm"):
            scene.path.with_name(scene.path.name + side).unlink(missing_ok=True)
        scene.path.write_bytes(backup)
        return await scene.verify()

    report = asyncio.run(run())
    assert [(it.chain, it.fault, it.sequence) for it in report.chains if not it.ok] == [
        (FRONT, Fault.CUT, 15),
        (OTHER, Fault.CUT, 7),
    ]
    (finding,) = report.findings
    assert str(finding).startswith("checkpoint 4 is in the checkpoint file and not in the database")


_CHECKPOINT_CHANGES: dict[str, tuple[tuple[str, ...], str]] = {
    "one deleted": (
        (
            "DELETE FROM audit_coverage WHERE number = 2",
            "DELETE FROM audit_checkpoints WHERE number = 2",
        ),
        "checkpoint 2 is in the checkpoint file and not in the database",
    ),
    "text changed": (
        (
            (
                "UPDATE audit_checkpoints SET checkpoint = "
                "CAST(replace(checkpoint, 'records 4', 'records 3') AS BLOB) WHERE number = 2"
            ),
        ),
        "checkpoint 2 in the database does not have the signature of the audit key",
    ),
    "signature changed": (
        ("UPDATE audit_checkpoints SET signature = zeroblob(70) WHERE number = 1",),
        "checkpoint 1 in the database does not have the signature of the audit key",
    ),
    "two swapped": (
        (
            "UPDATE audit_coverage SET number = 3 WHERE number = 2",
            "UPDATE audit_checkpoints SET number = 9 WHERE number = 2",
            "UPDATE audit_checkpoints SET number = 2 WHERE number = 3",
            "UPDATE audit_checkpoints SET number = 3 WHERE number = 9",
        ),
        "checkpoint 2 in the database is really checkpoint 3",
    ),
    "rubbish": (
        ("UPDATE audit_checkpoints SET checkpoint = 'x' WHERE number = 3",),
        "checkpoint 3 in the database cannot be read",
    ),
    "a number that is none": (
        ("UPDATE audit_checkpoints SET number = 'x' WHERE number = 3",),
        "checkpoint 3 has no number in the database",
    ),
    "fingerprints changed": (
        ("UPDATE audit_checkpoints SET fingerprints = zeroblob(32) WHERE number = 2",),
        "checkpoint 2 in the database has other fingerprints than were signed with it",
    ),
}


@pytest.mark.parametrize("what", _CHECKPOINT_CHANGES)
def test_a_changed_checkpoint_is_named(scene: Scene, what: str) -> None:
    """The records are good, and what was done to the checkpoint is said."""
    statements, expected = _CHECKPOINT_CHANGES[what]
    scene.execute(*statements)
    report = _verify(scene)
    assert not report.is_good
    assert all(chain.ok for chain in report.chains)
    assert str(report.findings[0]).startswith(expected)


def test_a_gap_in_the_database_alone_is_found(scene: Scene) -> None:
    """Without the file a missing checkpoint shows in the numbers, and an edit under it in the
    heads of the next: somewhere after the last record that is confirmed."""
    scene.file.path.unlink()
    scene.rewrite(FRONT, _edited(7))
    scene.execute(*_CHECKPOINT_CHANGES["one deleted"][0])
    report = _verify(scene)
    assert [str(finding) for finding in report.findings] == ["checkpoint 2 is missing"]
    bad = _only_bad(report)
    assert (bad.fault, bad.sequence) == (Fault.UNCONFIRMED_SOMEWHERE, 6)


def test_a_database_signed_anew_with_another_key_is_found(scene: Scene) -> None:
    """Who has a key, but not the audit key, makes checkpoints that nobody believes."""
    scene.rewrite(FRONT, _edited(4))
    scene.execute("DELETE FROM audit_coverage", "DELETE FROM audit_checkpoints")
    asyncio.run(scene.checkpoint(0, role="thief"))
    report = _verify(scene)
    assert str(report.findings[0]).startswith(
        "checkpoint 1 in the database was signed by another key than the audit key"
    )
    bad = _only_bad(report)
    assert (bad.chain, bad.fault, bad.sequence) == (FRONT, Fault.UNCONFIRMED, 4)


@pytest.mark.parametrize("line", [0, 1])
def test_a_line_missing_in_the_file_is_found(scene: Scene, line: int) -> None:
    """A file may begin later, after it was rotated, but has no gaps after that."""
    lines = scene.file.path.read_bytes().splitlines(keepends=True)
    scene.file.path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    report = _verify(scene)
    found = [str(finding) for finding in report.findings]
    gap = "checkpoint 2 is not in the checkpoint file, where others follow it"
    assert found == ([gap] if line else [])


def test_half_a_line_in_the_file_is_what_a_crash_leaves(scene: Scene) -> None:
    """It counts for nothing, and what is appended stands on a line of its own."""
    path = scene.file.path
    *whole, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*whole, last[:100]]))
    assert _verify(scene).is_good
    asyncio.run(scene.record(OTHER, 1))
    asyncio.run(scene.checkpoint(6))
    report = _verify(scene)
    assert report.is_good
    assert (report.stored, report.filed) == (4, 4)


def test_a_certificate_for_something_else_signs_no_checkpoints() -> None:
    """Any certificate of the CA, such as the CA's own, would otherwise do."""
    ca = authority_for(ALGORITHM)
    judge = CheckpointJudge(AuditAuthority(ca.issuing, (ca.issuing, ca.root)))
    assert "not for signing audit checkpoints" in judge.problem
    assert CheckpointJudge(authority()).problem == ""
    other = AuditAuthority(authority().certificate, (ca.root,))
    assert "was not issued by" in CheckpointJudge(other).problem
