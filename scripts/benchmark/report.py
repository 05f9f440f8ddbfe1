"""The benchmark's result, as tables for people and as JSON for programs."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime
from os import cpu_count, getloadavg

from rich.console import Console
from rich.table import Table

from examples.private_daemon import DaemonSize
from scripts.benchmark.bare_token import BareRate
from scripts.benchmark.empty_rpc import EmptyRate
from scripts.benchmark.endurance import Overload, Soak
from scripts.benchmark.form_report import form_tables
from scripts.benchmark.forms import FormRate, LaneRate
from scripts.benchmark.ready_keys import SingleRate
from scripts.benchmark.served import CrowdedRate, IssueRate, Reconciliation, ServedRate
from scripts.benchmark.softhsm import KeyKind
from scripts.benchmark.status import CrlRate, OcspRate
from scripts.benchmark.step_cost import StepCost
from scripts.benchmark.table import KEYS, new_table, numbers


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured. load_average: of the minute before; more than 0 disturbs."""

    processors: int
    python: str
    system: str
    load_average: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Best served rate over the bare rate of as many processes as the daemon has token hosts."""

    kind: KeyKind
    served_per_s: float
    bare_per_s: float
    ratio: float


@dataclass(slots=True)
class Result:
    """Everything measured in one run. Rates are per second, latencies in milliseconds, CPU in
    microseconds of one signature."""

    started_utc: datetime
    machine: Machine
    daemon: DaemonSize
    bare: list[BareRate] = field(default_factory=list)
    served: list[ServedRate] = field(default_factory=list)
    issuance: list[IssueRate] = field(default_factory=list)
    single: list[SingleRate] = field(default_factory=list)
    crowded: list[CrowdedRate] = field(default_factory=list)
    reconciliation: Reconciliation | None = None
    empty: list[EmptyRate] = field(default_factory=list)
    forms: list[FormRate] = field(default_factory=list)
    lanes: list[LaneRate] = field(default_factory=list)
    steps: list[StepCost] = field(default_factory=list)
    overload: Overload | None = None
    soak: Soak | None = None
    crl: CrlRate | None = None
    ocsp: list[OcspRate] = field(default_factory=list)

    @property
    def ratios(self) -> list[Ratio]:
        """One for each kind of key that was measured both ways."""
        ratios = []
        for bare in self.bare:
            rates = [served.rate_per_s for served in self.served if served.kind == bare.kind]
            if bare.processes == self.daemon.hosts and rates:
                best = max(rates)
                ratios.append(Ratio(bare.kind, best, bare.rate_per_s, best / bare.rate_per_s))
        return ratios

    def to_json(self) -> str:
        """All of it, indented."""
        content = asdict(self) | {"ratios": [asdict(ratio) for ratio in self.ratios]}
        return json.dumps(content, indent=2, default=str) + "\n"


def this_machine() -> Machine:
    """The machine this runs on."""
    return Machine(
        processors=cpu_count() or 1,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        load_average=getloadavg()[0],
    )


def print_result(result: Result, console: Console) -> None:
    """Tables of what was measured."""
    if result.bare:
        console.print(_bare(result))
    for table in form_tables(result):
        console.print(table)
    if result.crl is not None:
        console.print(_crl(result.crl))
        console.print(_ocsp(result.ocsp))
    if result.served:
        for table in (_served(result), _ratios(result), _issuance(result), _crowded(result)):
            console.print(table)
    if result.single:
        console.print(_single(result.single))
    counted = result.reconciliation
    if counted is not None:
        verdict = "agree" if counted.agrees else "DO NOT AGREE"
        console.print(
            f"signatures acknowledged to clients {counted.acknowledged}, on the daemon's audit "
            f"record {counted.recorded}, calls that failed {counted.errors}: the counts {verdict}"
        )
        for reason, count in sorted(counted.reasons.items()):
            console.print(f"failed with {reason}: {count}")


def _bare(result: Result) -> Table:
    table = new_table("The token alone", "key", "processes", "per second", "CPU µs")
    for rate in result.bare:
        table.add_row(KEYS[rate.kind], *numbers(rate.processes, rate.rate_per_s, rate.cpu_us))
    return table


def _served(result: Result) -> Table:
    cpu_columns = ("fronts µs", "hosts µs", "client µs")
    columns = ("key", "callers", "per s", "p50 ms", "p99 ms", *cpu_columns, "errors")
    table = new_table(
        f"Sign, {result.daemon.fronts} fronts, {result.daemon.hosts} token hosts, mTLS", *columns
    )
    for rate in result.served:
        cpu = numbers(rate.fronts_cpu_us, rate.hosts_cpu_us, rate.client_cpu_us)
        latencies = (f"{rate.p50_ms:.2f}", f"{rate.p99_ms:.2f}")
        counts = numbers(rate.callers, rate.rate_per_s)
        table.add_row(KEYS[rate.kind], *counts, *latencies, *cpu, str(rate.errors))
    return table


def _ratios(result: Result) -> Table:
    table = new_table("Served : bare", "key", "served per second", "bare per second", "ratio")
    for ratio in result.ratios:
        rates = numbers(ratio.served_per_s, ratio.bare_per_s)
        table.add_row(KEYS[ratio.kind], *rates, f"{ratio.ratio:.2f}")
    return table


def _issuance(result: Result) -> Table:
    columns = ("key", "callers", "per second", "p50 ms", "p99 ms", "errors")
    table = new_table("IssueCertificate, key made on the token", *columns)
    for rate in result.issuance:
        counts = (str(rate.callers), f"{rate.rate_per_s:.1f}")
        latencies = numbers(rate.p50_ms, rate.p99_ms)
        table.add_row(KEYS[rate.kind], *counts, *latencies, str(rate.errors))
    return table


def _single(rates: list[SingleRate]) -> Table:
    columns = ("call", "keys ready", "calls", "p50 ms", "p99 ms", "errors")
    table = new_table("One caller, RSA-2048", *columns)
    for rate in rates:
        are_ready = "yes" if rate.are_keys_ready else "no"
        figures = numbers(rate.calls, rate.p50_ms, rate.p99_ms)
        table.add_row(rate.call, are_ready, *figures, str(rate.errors))
    return table


def _crowded(result: Result) -> Table:
    columns = ("keys", "issued meanwhile", "per second", "p50 ms", "p99 ms", "errors")
    table = new_table("Sign with P-256 keys while another caller issues", *columns)
    for rate in result.crowded:
        latencies = (f"{rate.p50_ms:.2f}", f"{rate.p99_ms:.2f}")
        counts = numbers(rate.keys, rate.issued, rate.rate_per_s)
        table.add_row(*counts, *latencies, str(rate.errors))
    return table


def _crl(rate: CrlRate) -> Table:
    title = f"CRL, {rate.certificates:,} certificates, {rate.revoked:,} of them revoked"
    table = new_table(title, "what", "figure")
    table.add_row("full CRL, bytes", f"{rate.octets:,}")
    table.add_row("full and delta CRL made, s", f"{rate.seconds:.2f}")
    table.add_row("Revoke, p50 ms", f"{rate.revoke_p50_ms:.1f}")
    table.add_row("Revoke, p99 ms", f"{rate.revoke_p99_ms:.1f}")
    table.add_row("Revoke until in the CRL, p50 s", f"{rate.in_crl_p50_s:.2f}")
    table.add_row("Revoke until in the CRL, longest s", f"{rate.in_crl_most_s:.2f}")
    return table


def _ocsp(rates: list[OcspRate]) -> Table:
    columns = ("way", "askers", "per second", "p50 ms", "p99 ms", "errors")
    table = new_table("OCSP: GET signed ahead, POST with nonce signed on demand", *columns)
    for rate in rates:
        latencies = (f"{rate.p50_ms:.2f}", f"{rate.p99_ms:.2f}")
        counts = numbers(rate.askers, rate.rate_per_s)
        table.add_row(rate.way, *counts, *latencies, str(rate.errors))
    return table
