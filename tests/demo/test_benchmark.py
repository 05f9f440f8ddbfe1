import time
from collections.abc import Callable

import pytest

from scripts.benchmark.bare_token import measure_bare
from scripts.benchmark.companion import run_together, start_in_turn
from scripts.benchmark.load import LoadResult
from scripts.benchmark.served import Reconciliation
from scripts.benchmark.softhsm import KeyKind, throwaway_token


def load_result(*latencies_s: float) -> LoadResult:
    return LoadResult(sorted(latencies_s), 0, {}, 2.0, 0.0, [])


def test_percentiles_are_of_the_calls_answered() -> None:
    """The 99th percentile of 1 to 100 ms is 100 ms, the median 51 ms; the rate is per second."""
    result = load_result(*(number / 1000 for number in range(1, 101)))
    assert result.percentile_ms(50) == pytest.approx(51)
    assert result.percentile_ms(99) == pytest.approx(100)
    assert result.rate_per_s == 50


@pytest.mark.parametrize(
    ("acknowledged", "recorded", "errors", "agrees"),
    [(10, 10, 0, True), (10, 9, 0, False), (10, 11, 0, False), (10, 11, 1, True)],
)
def test_counts_agree_only_when_failed_calls_explain_the_difference(
    acknowledged: int,
    recorded: int,
    errors: int,
    agrees: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A signature without record is never explained, a record without answer only by an error."""
    reasons = {"UNAVAILABLE": errors} if errors else {}
    assert Reconciliation(acknowledged, recorded, reasons).agrees is agrees


def crash(_gate: Callable[[], None]) -> int:
    raise SystemExit(3)


def moment(gate: Callable[[], None]) -> float:
    gate()
    return time.monotonic()


def test_a_measuring_process_that_ends_is_reported() -> None:
    """The benchmark stops instead of waiting for a process that is gone."""
    with pytest.raises(RuntimeError, match="measuring process ended"):
        start_in_turn(1, crash)


def test_measuring_processes_begin_together() -> None:
    """None begins before the last is ready."""
    companions = start_in_turn(2, moment)
    ready = time.monotonic()
    assert min(run_together(companions, 10)) >= ready


def test_the_bare_token_signs_with_both_kinds_of_key() -> None:
    """A real SoftHSM token is measured, in a process of its own, and leaves nothing behind."""
    with throwaway_token() as access:
        for kind in KeyKind:
            rate = measure_bare(access, kind, processes=1, duration_s=0.2)
            assert rate.signatures > 10
            assert 0.2 * rate.rate_per_s == pytest.approx(rate.signatures, rel=0.2)
            assert rate.cpu_us > 0
    assert not access.configuration.parent.exists()
