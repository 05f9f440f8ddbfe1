"""Tables of the forms of signing, and of what lasts long."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from scripts.benchmark.table import KEYS, new_table, numbers

if TYPE_CHECKING:
    from scripts.benchmark.report import Result


def form_tables(result: "Result") -> Iterator[Table]:
    """Of what was measured."""
    if result.forms:
        yield _forms(result)
        yield _empty(result)
        yield _lanes(result)
        yield _steps(result)
    if result.overload is not None or result.soak is not None:
        yield _long(result)


def _forms(result: "Result") -> Table:
    """ratio: to the bare token of as many processes as there are hosts. above: CPU of fronts and
    hosts beyond that of the bare token."""
    bare = {one.kind: one for one in result.bare if one.processes == result.daemon.hosts}
    columns = ("form", "key", "callers", "per s", "ratio", "p50 ms", "p99 ms")
    table = new_table(
        "Forms of signing", *columns, "fronts µs", "hosts µs", "above µs", "client µs", "errors"
    )
    for rate in result.forms:
        name = rate.form if rate.size == 1 else f"{rate.form} of {rate.size}"
        alone = bare[rate.kind]
        above = rate.fronts_cpu_us + rate.hosts_cpu_us - alone.cpu_us
        table.add_row(
            name,
            KEYS[rate.kind],
            *numbers(rate.callers, rate.rate_per_s),
            f"{rate.rate_per_s / alone.rate_per_s:.2f}",
            f"{rate.p50_ms:.1f}",
            f"{rate.p99_ms:.1f}",
            *numbers(rate.fronts_cpu_us, rate.hosts_cpu_us, above, rate.client_cpu_us),
            str(rate.errors),
        )
    return table


def _empty(result: "Result") -> Table:
    table = new_table("An empty RPC of the same size", "what", "callers", "per s", "server µs")
    for rate in result.empty:
        figures = numbers(rate.callers, rate.rate_per_s, rate.server_cpu_us)
        table.add_row("grpc.aio", *figures)
    return table


def _lanes(result: "Result") -> Table:
    columns = ("key", "batches beside, per s", "calls", "p50 ms", "p99 ms", "p99 : p50")
    table = new_table("One interactive caller", *columns)
    for rate in result.lanes:
        table.add_row(
            KEYS[rate.kind],
            *numbers(rate.batch_per_s, rate.calls),
            f"{rate.p50_ms:.1f}",
            f"{rate.p99_ms:.1f}",
            f"{rate.p99_ms / rate.p50_ms:.1f}",
        )
    return table


def _steps(result: "Result") -> Table:
    table = new_table("Steps by themselves", "step", "CPU µs")
    for cost in result.steps:
        table.add_row(cost.step, f"{cost.cpu_us:.1f}")
    return table


def _long(result: "Result") -> Table:
    table = new_table("Overload and endurance", "what", "figure")
    if (over := result.overload) is not None:
        table.add_row("most, per s", *numbers(over.most_per_s))
        table.add_row(f"{over.callers} callers, answered well per s", *numbers(over.good_per_s))
        table.add_row("of the most", f"{over.good_per_s / over.most_per_s:.2f}")
        table.add_row("fronts' memory, growth MiB", f"{over.growth_mib:.1f}")
        table.add_row("until served as before, s", f"{over.recovery_s:.2f}")
    if (soak := result.soak) is not None:
        table.add_row(f"{soak.duration_s:.0f} s at 80 %, per s", *numbers(soak.rate_per_s))
        table.add_row("errors", str(soak.errors))
        table.add_row("p99 ms, first and last tenth", f"{soak.first_ms:.1f}, {soak.last_ms:.1f}")
        table.add_row("memory, growth MiB", f"{soak.growth_mib:.1f}")
        table.add_row("open files, growth", str(soak.files_growth))
    return table
