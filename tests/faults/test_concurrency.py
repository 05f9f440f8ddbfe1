"""Sixty-four clients at once for a minute: issue, sign, reissue on several fronts and hosts."""

import os
import random
import statistics
from collections.abc import Sequence
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, private_daemon
from tests.faults.ledger_judgement import judge_ledger
from tests.faults.load import AcknowledgedSignature, LoadPlan, running_load
from tests.faults.resident_memory import MemoryCurve, measured_memory
from tests.faults.scene import wait_until_well

pytestmark = pytest.mark.long

_CLIENTS: Final = 64
_DURATION: Final = "SIGNERD_TEST_LOAD_S"
_MIB: Final = 1024 * 1024
# Caches fill while the keys become more: SoftHSM keeps about 16 KiB a key in every host, and a
# front remembers credentials.
_BASE_BYTES: Final = 32 * _MIB
_BYTES_A_KEY: Final = 32 * 1024
_WARM_UP: Final = 1 / 3


@pytest.mark.timeout(600)
def test_many_clients_at_once() -> None:
    """No error; everything acknowledged holds; memory grows no more than keys explain; the last
    third is not slower than the first by more than a factor of four."""
    duration_s = float(os.environ.get(_DURATION, "60"))
    with private_daemon(DaemonSize(fronts=3, hosts=3)) as daemon:
        plan = LoadPlan(
            officer=daemon.target("ra-officer"),
            signer=daemon.target("signer"),
            clients=_CLIENTS,
            processes=4,
            duration_s=duration_s,
            timeout_s=60.0,
            unreachable_s=15.0,
            seed=random.SystemRandom().randrange(1_000_000),
        )
        wait_until_well(daemon)
        before = {process.pid for process in daemon.processes()}
        with running_load(plan) as result, measured_memory(daemon) as curves:
            ledger = result()
        assert ledger.errors == []
        assert {process.pid for process in daemon.processes()} == before, daemon.log()[-5000:]
        assert len({it.subscriber for it in ledger.issued}) == _CLIENTS
        assert ledger.reissued
        _judge_memory(curves, made=len(ledger.certificates))
        _judge_latency(ledger.signatures)
        judge_ledger(daemon, ledger)


def _judge_memory(curves: Sequence[MemoryCurve], *, made: int) -> None:
    for curve in curves:
        allowed = _BASE_BYTES + made * _BYTES_A_KEY
        grown = curve.growth(_WARM_UP)
        print(f"{curve.process.name}: {max(curve.samples) / _MIB:.0f} MiB, {grown / _MIB:+.1f}")  # noqa: T201 - shown with a failure
        assert grown <= allowed, f"{curve.process.name} grew by {grown} bytes"


def _judge_latency(signatures: Sequence[AcknowledgedSignature]) -> None:
    # All clients call without a pause, so that the time of a call follows from the rate of all,
    # and that falls a little with every key: SoftHSM walks over all of a token's keys to make one.
    first, last = min(it.began for it in signatures), max(it.began for it in signatures)
    third = (last - first) / 3
    early = [it.ended - it.began for it in signatures if it.began < first + third]
    late = [it.ended - it.began for it in signatures if it.began > last - third]
    for share in (50, 95):
        was, became = _percentile(early, share), _percentile(late, share)
        print(f"p{share}: {was * 1000:.0f} ms, then {became * 1000:.0f} ms")  # noqa: T201 - shown with a failure
        assert became <= 4 * was + 0.1


def _percentile(times_s: Sequence[float], share: int) -> float:
    return statistics.quantiles(times_s, n=100)[share - 1]
