"""The keeper is killed at each step of a checkpoint."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from signerd.core import fault
from signerd.core.fault import FaultPoint
from tests.proof.scene import FRONT, OTHER, Scene, build

CHECKPOINT_POINTS: Final = (
    FaultPoint.KEEPER_CHECKPOINT_SIGNED,
    FaultPoint.STORE_CHECKPOINT_UNCOMMITTED,
    FaultPoint.KEEPER_CHECKPOINT_STORED,
    FaultPoint.KEEPER_CHECKPOINT_HALF_FILED,
)


@pytest.mark.parametrize("point", CHECKPOINT_POINTS)
def test_the_next_keeper_goes_on_from_a_good_state(tmp_path: Path, point: FaultPoint) -> None:
    """Whatever the dead one had come to, nothing is wrong, its successor covers everything, and the
    file has each checkpoint once."""
    scene = build(tmp_path)
    orders = tmp_path / "faults"
    orders.mkdir()
    (orders / point.value).write_text("kill")
    child = os.fork()
    if not child:
        # Keys in software live in this process, so another program would have others.
        fault.arm(orders)
        asyncio.run(scene.checkpoint(6))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    report = asyncio.run(scene.verify())
    assert report.is_good
    asyncio.run(_go_on(scene))
    report = asyncio.run(scene.verify())
    assert report.is_good
    # The three of the scene and two afterwards; one more where the dead one had stored its own.
    assert report.stored in {5, 6}
    assert report.uncovered == 0
    assert [it.number for it in scene.file.read()] == list(range(1, report.stored + 1))


async def _go_on(scene: Scene) -> None:
    await scene.record(OTHER, 1)
    await scene.checkpoint(8)
    await scene.record(FRONT, 1)
    await scene.checkpoint(10)
