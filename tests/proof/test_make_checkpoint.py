"""When a checkpoint is made, and over what none is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from signerd.audit.checkpoint import SignedCheckpoint, parse_checkpoint
from signerd.core.error import Interrupted, ServiceUnavailable, WrongState
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.file_checkpoint import FileCheckpoints
from signerd.proof.make_checkpoint import AuditKey, CheckpointPlan
from signerd.proof.prove import ProveRecord
from signerd.store.audit_checkpoint import SqlCheckpointStore
from signerd.store.audit_find import SqlAuditFinder
from tests.pki.software_authority import NOW
from tests.proof.scene import FRONT, OTHER, Scene, audit_key, build, maker_of, opened
from tests.store.scenario import StandingClock

_KEEPER = "local/keeper"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """With two records that no checkpoint covers."""
    return build(tmp_path)


async def _try(
    scene: Scene,
    seconds: float,
    plan: CheckpointPlan | None = None,
    *,
    is_urgent: bool = False,
    key: AuditKey | None = None,
) -> SignedCheckpoint | None:
    """So long after the last one, which was made at the fourth minute."""
    clock = StandingClock(NOW + timedelta(minutes=4, seconds=seconds))
    plan = plan or CheckpointPlan(timedelta(seconds=60), 1000)
    async with opened(scene.path, _KEEPER) as database:
        maker = maker_of(database, plan=plan, clock=clock, key=key)
        return await maker.run_once(is_urgent=is_urgent)


async def test_a_checkpoint_is_made_after_the_interval(scene: Scene) -> None:
    """Not before; and none where nothing was recorded since. A clock that was put back behind the
    last one keeps nobody waiting."""
    assert await _try(scene, 59) is None
    made = await _try(scene, 60)
    assert made is not None
    assert parse_checkpoint(made.text).records == 2
    assert await _try(scene, 600) is None
    await scene.record(OTHER, 1)
    assert await _try(scene, -600) is not None


async def test_none_is_made_that_could_not_be_verified(scene: Scene) -> None:
    """A clock that is outside the validity of the audit certificate, as that of a machine without
    battery after a start; once it is right the same records are covered."""
    key = audit_key()
    for begin, end in ((timedelta(days=1), timedelta(days=2)), (timedelta(), timedelta(minutes=1))):
        off = replace(key, begin_utc=NOW + begin, end_utc=NOW + end)
        with pytest.raises(ServiceUnavailable) as refused:
            await _try(scene, 60, key=off)
        assert refused.value.reason == "CHECKPOINT_CLOCK"
    made = await _try(scene, 60)
    assert made is not None
    assert parse_checkpoint(made.text).records == 2


async def test_many_records_or_somebody_who_waits_hasten_it(scene: Scene) -> None:
    """As many as the plan says; a wish for one of them; the daemon's stop."""
    assert await _try(scene, 1, CheckpointPlan(timedelta(seconds=60), 3)) is None
    assert await _try(scene, 1, CheckpointPlan(timedelta(seconds=60), 2)) is not None
    await scene.record(FRONT, 1)
    async with opened(scene.path, FRONT) as database:
        store = SqlCheckpointStore(database)
        await store.wish(FRONT, 3)  # is covered long since
        await store.wish("local/none", 1)
    assert await _try(scene, 2) is None
    async with opened(scene.path, FRONT) as database:
        await SqlCheckpointStore(database).wish(FRONT, 15)
    assert await _try(scene, 2) is not None
    await scene.record(FRONT, 1)
    assert await _try(scene, 3) is None
    assert await _try(scene, 3, is_urgent=True) is not None


async def test_a_backlog_goes_under_several(scene: Scene) -> None:
    """None covers more than the plan says, and together they cover everything."""
    await scene.record(OTHER, 5)
    plan = CheckpointPlan(timedelta(seconds=60), 3)
    sizes = []
    while (made := await _try(scene, 100, plan)) is not None:
        sizes.append(parse_checkpoint(made.text).records)
        await asyncio.to_thread(scene.file.append, [made])
    assert sizes == [3, 3]
    assert await _try(scene, 200, plan) is not None
    report = await scene.verify()
    assert report.uncovered == 0
    assert not [chain for chain in report.chains if not chain.ok]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_events WHERE chain = 'local/front-0' AND sequence = 14",
        "UPDATE audit_events SET previous_hash = zeroblob(32) WHERE sequence = 13",
        "UPDATE audit_heads SET head_hash = zeroblob(32) WHERE chain = 'local/front-0'",
        "UPDATE audit_heads SET length = 11 WHERE chain = 'local/front-0'",
        "DELETE FROM audit_heads WHERE chain = 'local/front-1'",
        "UPDATE audit_heads SET chain = 'x y' WHERE chain = 'local/front-0'",
        "UPDATE audit_checkpoints SET checkpoint = 'x' WHERE number = 3",
    ],
)
async def test_nothing_is_signed_that_does_not_go_on(scene: Scene, statement: str) -> None:
    """Where a chain does not continue what the last checkpoint says, the audit key is not used."""
    scene.execute(statement)
    with pytest.raises(WrongState) as caught:
        await _try(scene, 100)
    assert caught.value.reason == "AUDIT_BROKEN"
    assert "audit verify" in caught.value.message


async def test_of_two_keepers_one_makes_it(scene: Scene) -> None:
    """The other's is thrown away, and nothing is left of it."""
    async with opened(scene.path, _KEEPER) as database:
        clock = StandingClock(NOW + timedelta(minutes=9))
        makers = [maker_of(database, clock=clock).run_once() for _ in range(2)]
        made = await asyncio.gather(*makers, return_exceptions=True)
    assert len([it for it in made if isinstance(it, SignedCheckpoint)]) == 1
    # The slower one may as well have found nothing left to do.
    assert len([it for it in made if it is None or isinstance(it, Interrupted)]) == 1


async def test_the_file_is_written_anew_where_it_was_moved(scene: Scene) -> None:
    """A new file has every checkpoint; a rotated one only those that follow."""
    scene.file.path.unlink()
    async with opened(scene.path) as database:
        await FileCheckpoints(scene.file, SqlCheckpointStore(database)).run_once()
    assert [it.number for it in scene.file.read()] == [1, 2, 3]
    assert scene.file.path.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_knows_more_stops_the_keeper(scene: Scene) -> None:
    """Its end is not in the database, so the database is older than it."""
    made = await _try(scene, 100)
    assert made is not None
    scene.file.append([made])
    scene.execute(
        "DELETE FROM audit_coverage WHERE number = 4",
        "DELETE FROM audit_checkpoints WHERE number = 4",
    )
    async with opened(scene.path) as database:
        with pytest.raises(WrongState) as caught:
            await FileCheckpoints(scene.file, SqlCheckpointStore(database)).run_once()
    assert caught.value.reason == "AUDIT_ROLLED_BACK"
    assert str(scene.file.path) in caught.value.message


async def test_a_file_that_cannot_be_written_is_named(scene: Scene, tmp_path: Path) -> None:
    """With the key of the configuration that says where it is."""
    file = CheckpointFile(tmp_path / "no-such-directory" / "checkpoints.jsonl")
    async with opened(scene.path) as database:
        with pytest.raises(ServiceUnavailable, match="checkpoint_file") as caught:
            await FileCheckpoints(file, SqlCheckpointStore(database)).run_once()
    assert caught.value.reason == "CHECKPOINT_FILE_FAILED"


async def test_who_asks_too_early_is_told_when_to_ask_again(scene: Scene) -> None:
    """Without a keeper no checkpoint comes; the record's wish stays."""
    async with opened(scene.path, FRONT) as database:
        store, times = SqlCheckpointStore(database), iter([0.0, 0.0, 100.0])
        prove = ProveRecord(SqlAuditFinder(database), store, lambda: next(times))
        record = await prove.at_position(20)
        with pytest.raises(ServiceUnavailable) as caught:
            await prove.prove(record, deadline=50.0)
        assert caught.value.reason == "CHECKPOINT_PENDING"
        assert caught.value.retry_after_s
        assert (await store.standing()).wishes == {FRONT: record.sequence}


async def test_records_that_are_no_longer_what_was_signed_prove_nothing(scene: Scene) -> None:
    """The daemon gives no proof that would not hold."""
    scene.execute("UPDATE audit_events SET hash = zeroblob(32) WHERE position = 3")
    async with opened(scene.path, FRONT) as database:
        prove = ProveRecord(SqlAuditFinder(database), SqlCheckpointStore(database), lambda: 0.0)
        with pytest.raises(WrongState) as caught:
            await prove.prove(await prove.at_position(1), deadline=10.0)
    assert caught.value.reason == "AUDIT_BROKEN"
