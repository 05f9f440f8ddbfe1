"""The short forms of overload and endurance."""

from collections.abc import Iterator

import pytest

from examples.private_daemon import DaemonSize, private_daemon
from scripts.benchmark.endurance import EnduranceBenchmark

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def benchmark() -> Iterator[EnduranceBenchmark]:
    """A daemon whose queue is short against what comes."""
    size, queue = DaemonSize(fronts=2, hosts=2), {"tokens.queue_limit": "512"}
    with private_daemon(size, queue) as daemon:
        prepared = EnduranceBenchmark(daemon)
        prepared.prepare()
        yield prepared


def test_ten_times_the_callers_do_not_slow_the_daemon(benchmark: EnduranceBenchmark) -> None:
    """As many signatures as before, of callers that come again when they are refused; memory does
    not grow with it, and afterwards a caller is served as before."""
    over = benchmark.overload(6.0)
    assert over.good_per_s > 0.8 * over.most_per_s
    assert over.growth_mib < 96
    assert over.recovery_s < 5


def test_steady_work_leaves_nothing_behind(benchmark: EnduranceBenchmark) -> None:
    """For two minutes no call fails; neither memory nor open files grow, and the last calls take
    no longer than the first, but for what other tests take of the processors."""
    soak = benchmark.soak(120.0)
    assert soak.errors == 0
    assert soak.growth_mib < 32
    assert soak.files_growth < 10
    assert soak.last_ms < 8 * soak.first_ms
