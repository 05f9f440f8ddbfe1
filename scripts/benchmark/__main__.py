"""Runs the benchmark: scripts/bench [--quick] [--json FILE] [--plots DIR]
[--bare | --forms | --status | --ready | --overload SECONDS | --soak SECONDS]."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from examples.private_daemon import DaemonFailed, DaemonSize, private_daemon
from scripts.benchmark.bare_token import measure_all
from scripts.benchmark.endurance import EnduranceBenchmark
from scripts.benchmark.forms import FormBenchmark, FormPlan
from scripts.benchmark.plot import draw
from scripts.benchmark.ready_keys import measure_single
from scripts.benchmark.report import Result, print_result, this_machine
from scripts.benchmark.served import ServedBenchmark
from scripts.benchmark.softhsm import KeyKind, throwaway_token
from scripts.benchmark.status import StatusBenchmark, StatusPlan
from scripts.benchmark.step_cost import measure_steps

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. Durations in seconds, each of one line of the result."""

    bare_s: float
    warm_up_s: float
    served_s: float
    bare_processes: tuple[int, ...]
    callers: tuple[int, ...]
    crowd: tuple[int, ...]
    fill_limit_s: float
    forms: FormPlan
    status: StatusPlan
    single_calls: int


_FULL: Final = Plan(
    bare_s=3.0,
    warm_up_s=1.0,
    served_s=5.0,
    bare_processes=(1, 2, 4),
    callers=(1, 8, 64),
    crowd=(100, 1_000, 5_000),
    fill_limit_s=600.0,
    forms=FormPlan(kinds=tuple(KeyKind), callers=(1, 4, 16, 64), warm_up_s=1.0, duration_s=5.0),
    status=StatusPlan(
        certificates=100_000, revoked=10_000, revocations=50, askers=(1, 8, 64), duration_s=5.0
    ),
    single_calls=100,
)
_QUICK: Final = Plan(
    bare_s=0.4,
    warm_up_s=0.2,
    served_s=0.8,
    bare_processes=(1, 2),
    callers=(1, 8, 64),
    crowd=(40,),
    fill_limit_s=5.0,
    forms=FormPlan(kinds=(KeyKind.P_256,), callers=(16,), warm_up_s=0.1, duration_s=0.5),
    status=StatusPlan(
        certificates=2_000, revoked=200, revocations=5, askers=(1, 8), duration_s=0.8
    ),
    single_calls=5,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write. Exit status 1 when something could not be measured or the counts
    of clients and daemon do not agree."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure the token alone and the daemon in front of it."
    )
    parser.add_argument("--quick", action="store_true", help="a rough result in about two minutes")
    parser.add_argument("--bare", action="store_true", help="only the token, without a daemon")
    parser.add_argument(
        "--forms", action="store_true", help="only the token and every form of signing"
    )
    parser.add_argument(
        "--overload", type=float, metavar="SECONDS", help="only more callers than can be served"
    )
    parser.add_argument(
        "--soak", type=float, metavar="SECONDS", help="only 80 % of the most, for so long"
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="also draw rate and latency against callers"
    )
    parser.add_argument(
        "--status", action="store_true", help="only CRLs and OCSP for many certificates"
    )
    parser.add_argument(
        "--ready", action="store_true", help="only single calls, with and without keys made ahead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--fronts", type=int, default=2, help="fronts of the daemon")
    parser.add_argument("--hosts", type=int, default=2, help="token hosts of the daemon")
    options = parser.parse_args(arguments)
    plan = _QUICK if options.quick else _FULL
    size = DaemonSize(fronts=options.fronts, hosts=options.hosts, publisher=True)
    result = Result(datetime.now(UTC), this_machine(), size)
    try:
        is_long = options.overload is not None or options.soak is not None
        everything = not (
            options.bare or options.forms or options.status or options.ready or is_long
        )
        if options.bare or options.forms or everything:
            _measure_bare(plan, result)
        if options.forms or everything:
            _measure_forms(plan, size, result)
        if is_long:
            _measure_long(size, result, options.overload, options.soak)
        if everything:
            _measure_served(plan, size, result)
        if options.ready or everything:
            _collect(measure_single(size, plan.single_calls), result.single.append)
        if options.status or everything:
            _measure_status(plan, size, result)
    except (DaemonFailed, RuntimeError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    print_result(result, Console())
    if options.plots is not None:
        draw(result, options.plots)
    if options.json is not None:
        options.json.write_text(result.to_json(), encoding="utf-8")
    counted = result.reconciliation
    return 0 if counted is None or counted.agrees else 1


def _measure_bare(plan: Plan, result: Result) -> None:
    with throwaway_token() as access:
        counts = sorted({*plan.bare_processes, result.daemon.hosts})
        rates = measure_all(access, counts, plan.bare_s)
        _collect(rates, result.bare.append)


def _measure_served(plan: Plan, size: DaemonSize, result: Result) -> None:
    with private_daemon(size) as daemon:
        benchmark = ServedBenchmark(daemon, plan.warm_up_s, plan.served_s)
        benchmark.prepare()
        _collect(benchmark.sign(plan.callers), result.served.append)
        _collect(benchmark.issue(), result.issuance.append)
        _collect(benchmark.crowd(plan.crowd, plan.fill_limit_s), result.crowded.append)
        result.reconciliation = benchmark.reconcile()


def _measure_forms(plan: Plan, size: DaemonSize, result: Result) -> None:
    with private_daemon(size) as daemon:
        benchmark = FormBenchmark(daemon, plan.forms)
        benchmark.prepare()
        _collect(benchmark.empty(), result.empty.append)
        _collect(benchmark.forms(), result.forms.append)
        _collect(benchmark.lanes(), result.lanes.append)
    _collect(measure_steps(), result.steps.append)


def _measure_long(
    size: DaemonSize, result: Result, overload_s: float | None, soak_s: float | None
) -> None:
    with private_daemon(size) as daemon:
        benchmark = EnduranceBenchmark(daemon)
        benchmark.prepare()
        if overload_s is not None:
            result.overload = benchmark.overload(overload_s)
        if soak_s is not None:
            result.soak = benchmark.soak(soak_s)


def _measure_status(plan: Plan, size: DaemonSize, result: Result) -> None:
    with private_daemon(size) as daemon:
        benchmark = StatusBenchmark(daemon, plan.status)
        benchmark.prepare()
        _collect(benchmark.ask(), result.ocsp.append)
        result.crl = benchmark.publish()


def _collect(rates: Iterable[T], take: Callable[[T], None]) -> None:
    """Take each result as it comes and tell that something is going on."""
    for rate in rates:
        take(rate)
        sys.stderr.write(".")
        sys.stderr.flush()
    sys.stderr.write("\n")


if __name__ == "__main__":
    sys.exit(main())
