"""signerctl harness: scenarios of what thousands of customers do."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from signerctl.document import to_json
from signerctl.exit_code import ExitCode
from signerctl.option import Output
from signerctl.printer import Printer
from signerctl.session import Connection, reported, target_of
from signerctl.view import Row
from signerd_harness.bank import Targets
from signerd_harness.crew import WorkerFailed
from signerd_harness.customer import LIMIT, SEED_LIMIT, Customer, customers
from signerd_harness.daemon_directory import DaemonFailed
from signerd_harness.live import LiveView
from signerd_harness.private_daemon import DaemonSize, private_daemon
from signerd_harness.report_html import html_report
from signerd_harness.report_junit import junit_xml
from signerd_harness.result import Result, checks
from signerd_harness.run import Place
from signerd_harness.run import run as run_scenario
from signerd_harness.scenario import Extent, Incident, Scenario
from signerd_harness.scenario_file import (
    ScenarioError,
    load_scenario,
    scenario_text,
    shipped_scenarios,
)
from signerd_harness.summary import Summary, summarise
from signerd_harness.table import write_customers, write_documents

app = typer.Typer(help="Scenarios of what thousands of customers do.", no_args_is_help=True)

ScenarioName = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A TOML file, or a name that `harness list` shows."),
]


@app.callback()
def _group() -> None:
    """Scenarios of what thousands of customers do."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Files that a run wrote."""

    html: str
    junit: str
    json: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended."""

    summary: Summary
    reports: Reports


@app.command(name="list")
def list_(context: typer.Context, *, output: Output = None) -> None:
    """List the scenarios that come with signerctl.

    \b
    Example:
      signerctl harness list
    """
    printer = _printer(context, output)
    with reported(printer):
        printer.many(shipped_scenarios(), _columns)


@app.command()
def show(context: typer.Context, *, scenario: ScenarioName, output: Output = None) -> None:
    """Print a scenario, to be changed and run from a file of yours.

    \b
    Example:
      signerctl harness show load > mine.toml
    """
    printer = _printer(context, output)
    with reported(printer):
        checked = load_scenario(scenario)
        if printer.is_json:
            printer.one(checked, _columns)
        else:
            printer.text(scenario_text(scenario))


@app.command(name="customers")
def customers_(
    context: typer.Context,
    *,
    count: Annotated[int, typer.Option(min=1, max=LIMIT, help="How many.")] = 100,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_LIMIT - 1, help="Another seed has other people.")
    ] = 0,
    documents: Annotated[
        bool,
        typer.Option("--documents", help="Their resident cards instead, for the daemon's file."),
    ] = False,
    output: Output = None,
) -> None:
    """Print synthetic customers as CSV: the same ones whenever seed and number are the same.

    \b
    Example:
      signerctl harness customers --count 1000 --seed 7 > customers.csv
    """
    printer = _printer(context, output)
    with reported(printer):
        people = customers(count, seed=seed)
        if printer.is_json:
            printer.many(people, _customer_columns)
        else:
            (write_documents if documents else write_customers)(sys.stdout, people)


@app.command()
def run(
    context: typer.Context,
    *,
    scenario: ScenarioName,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Start a daemon for this run, with tokens of its own, and remove it afterwards.",
        ),
    ] = False,
    identities: Annotated[
        Path | None,
        typer.Option(
            help="Directory with ROLE.pem and ROLE.key of ra-officer, ra-supervisor, signer and"
            " relying-party; not given, the certificate before the command has all roles.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of the run; harness-SCENARIO if not given."),
    ] = None,
    customers: Annotated[
        int | None, typer.Option(min=1, help="So many instead of the scenario's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the customers, instead of the scenario's.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="So many acts instead of the scenario's extent.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=0.1, help="So many seconds instead of the scenario's extent."),
    ] = None,
    kill_every: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Kill a front or a token host at random, every so many seconds on average; only"
            " with --private.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that act for the customers.")
    ] = 1,
    output: Output = None,
) -> None:
    """Run a scenario: enrol its customers, act for them, verify every signature with openssl.

    Of each act it is known whether it must succeed or be refused, and why. The directory gets
    report.html, junit.xml and summary.json. Against a daemon of yours the customers stay in it:
    the same command goes on with those who are enrolled. Ctrl-C ends the acts and still verifies
    and reports.

    Prints a summary. The exit code is 0 when there was no wrong result and everything that the
    scenario asks for held, otherwise 1.

    \b
    Examples:
      signerctl harness run smoke --private
      signerctl harness run load --private --kill-every 5
      signerctl harness run load.toml --identities state/tls/clients --duration 60
    """
    printer = _printer(context, output)
    with reported(printer), _explained():
        chosen = _changed(load_scenario(scenario), customers, seed, count, duration)
        if kill_every is not None:
            chosen = replace(chosen, incident=Incident(("front", "host"), kill_every))
        directory = out or Path(f"harness-{chosen.name}")
        _make(directory)
        with ExitStack() as stack:
            place = (
                _private(stack, chosen, workers)
                if private
                else Place(_targets(context.obj, identities), directory, workers)
            )
            with LiveView(f"{chosen.name}: {chosen.title}") as view:
                result = run_scenario(chosen, place, view)
        ended = _report(result, directory)
        printer.one(ended, _summary_lines)
        printer.flush()
        if result.stopped:
            raise typer.Exit(ExitCode.INTERRUPTED)
        if not ended.summary.passed:
            raise typer.Exit(ExitCode.NEGATIVE)


def _printer(context: typer.Context, output: Output) -> Printer:
    connection: Connection = context.obj
    return Printer(output or connection.output)


def _changed(
    scenario: Scenario,
    customers: int | None,
    seed: int | None,
    count: int | None,
    duration: float | None,
) -> Scenario:
    """The scenario as the options want it. Raises ScenarioError."""
    if count and duration:
        raise ScenarioError("give either --count or --duration")
    population = replace(
        scenario.customers,
        count=customers or scenario.customers.count,
        seed=scenario.customers.seed if seed is None else seed,
    )
    special = population.expired + population.with_pin
    if special >= population.count:
        raise ScenarioError(
            f"--customers {population.count}: {special} of them are to have a PIN or an expired"
            " certificate; give more"
        )
    extent = Extent(duration or 0.0, count or 0) if count or duration else scenario.extent
    return replace(scenario, customers=population, extent=extent)


def _targets(connection: Connection, identities: Path | None) -> Targets:
    """Raises InvalidTarget and ScenarioError."""
    if identities is None:
        return Targets.one(target_of(connection))
    if connection.ca is None:
        raise ScenarioError("--identities needs --ca before the command")
    return Targets.from_directory(connection.target, connection.ca, identities)


def _private(stack: ExitStack, scenario: Scenario, workers: int) -> Place:
    size = DaemonSize(fronts=scenario.private.fronts, hosts=scenario.private.hosts)
    daemon = stack.enter_context(private_daemon(size, {"test.allow_clock_offset": "true"}))
    return Place(
        Targets.from_directory(
            daemon.address, daemon.directory / "tls" / "ca.pem", daemon.directory / "tls/clients"
        ),
        daemon.directory / "harness",
        workers,
        daemon,
    )


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(f"cannot write {directory}: {error.strerror}") from None


@contextmanager
def _explained() -> Iterator[None]:
    """What fails besides the calls."""
    try:
        yield
    except DaemonFailed as error:
        typer.echo(f"signerctl: the private daemon failed: {error}", err=True)
        raise typer.Exit(ExitCode.NOT_CONNECTED) from None
    except WorkerFailed as error:
        typer.echo(f"signerctl: {error}", err=True)
        raise typer.Exit(ExitCode.REFUSED) from None


def _report(result: Result, directory: Path) -> Ended:
    found = checks(result)
    summary = summarise(result, found)
    html, junit, document = (
        directory / name for name in ("report.html", "junit.xml", "summary.json")
    )
    html.write_text(html_report(result, found, summary), encoding="utf-8")
    junit.write_bytes(junit_xml(result, found))
    document.write_text(to_json(summary) + "\n", encoding="utf-8")
    return Ended(summary, Reports(str(html), str(junit), str(document)))


def _customer_columns(customer: Customer) -> Row:
    return {"SUBSCRIBER": customer.subscriber, "NAME": customer.name}


def _columns(scenario: Scenario) -> Row:
    extent = scenario.extent
    return {
        "SCENARIO": scenario.name,
        "CUSTOMERS": f"{scenario.customers.count}",
        "EXTENT": f"{extent.count} acts" if extent.count else f"{extent.duration_s:g} s",
        "WHAT": scenario.title,
    }


def _summary_lines(ended: Ended) -> Row:
    it = ended.summary
    row = {
        "scenario": it.scenario,
        "result": "passed" if it.passed else "FAILED: " + "; ".join(it.failed_checks),
        "customers": f"{it.enrolled} ({it.enrolled_now} now, in {it.enrolment_s:g} s)",
        "acts": f"{it.acts} in {it.acts_s:g} s, {it.acts_per_s:g}/s",
        "latency": f"p50 {it.p50_ms:g} ms, p99 {it.p99_ms:g} ms",
        "refused": f"{it.refused_as_expected} as expected",
        "wrong results": str(it.wrong_results),
        "no result": str(it.errors),
        "signatures": f"{it.signatures}, verified by openssl {it.signatures_verified}"
        f" (in {it.verification_s:g} s)",
        "certificates": f"{it.chains_verified} chains verified by openssl",
        "memory": ", ".join(f"{one} MiB" for one in it.peak_mib),
        "report": ended.reports.html,
    }
    return row | ({"killed": f"{it.kills} processes"} if it.kills else {})
