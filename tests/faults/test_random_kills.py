"""A hundred SIGKILLs at random times, at random processes, under load."""

import os
import random
import signal
import time
from contextlib import suppress
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from tests.faults.ledger_judgement import judge_ledger
from tests.faults.load import LoadPlan, running_load
from tests.faults.scene import wait_until_well

pytestmark = pytest.mark.long

_KILLS: Final = 100
_LOAD_S: Final = 100.0
# Calls are under way all the time also so; what else they would take, other tests need.
_PAUSE_S: Final = 0.05
_SEED: Final = "SIGNERD_TEST_SEED"


def _kill_at_random(daemon: PrivateDaemon, choice: random.Random) -> dict[str, int]:
    """Kill processes, spread over the time of the load; how many of each group."""
    killed: dict[str, int] = {}
    moments = sorted(choice.uniform(0.0, _LOAD_S) for _ in range(_KILLS))
    began = time.monotonic()
    for moment in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        group = _kill_one(daemon, choice)
        killed[group] = killed.get(group, 0) + 1
    return killed


def _kill_one(daemon: PrivateDaemon, choice: random.Random) -> str:
    """Whichever process runs, ready or still starting."""
    while True:
        if running := daemon.processes():
            victim = choice.choice(running)
            with suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)
                return victim.group
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_nothing() -> None:
    """No client sees an error, nothing acknowledged is lost or doubled, nothing is left behind."""
    seed = int(os.environ.get(_SEED, random.SystemRandom().randrange(1_000_000)))
    print(f"{_SEED}={seed}")  # noqa: T201 - shown with a failure, to repeat it
    with private_daemon(DaemonSize(fronts=4, hosts=4)) as daemon:
        wait_until_well(daemon)
        plan = LoadPlan(
            officer=daemon.target("ra-officer"),
            signer=daemon.target("signer"),
            clients=12,
            processes=2,
            duration_s=_LOAD_S,
            timeout_s=180.0,
            unreachable_s=180.0,
            seed=seed,
            pause_s=_PAUSE_S,
        )
        with running_load(plan) as result:
            killed = _kill_at_random(daemon, random.Random(seed))  # noqa: S311 - repeatable
            ledger = result()
        assert sum(killed.values()) == _KILLS
        assert set(killed) == {"front", "host", "keeper"}
        assert ledger.errors == []
        assert ledger.issued
        assert ledger.reissued
        assert ledger.signatures
        daemon.wait_until_serving()
        judge_ledger(daemon, ledger)
