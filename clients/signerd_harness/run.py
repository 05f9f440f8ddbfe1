"""A run from its first customer to its last verified signature."""

import hashlib
import multiprocessing
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, TypeVar

from signerd_client import Client
from signerd_harness.act import Standing
from signerd_harness.bank import Targets
from signerd_harness.certificate_book import every_certificate
from signerd_harness.crew import Crew, WorkerFailed, end
from signerd_harness.customer import customers
from signerd_harness.incident import Kill, Killer
from signerd_harness.openssl import ChainCheck
from signerd_harness.plan import Command, Progress, WorkerPlan
from signerd_harness.private_daemon import PrivateDaemon
from signerd_harness.record import Terms, open_record
from signerd_harness.result import Result
from signerd_harness.scenario import EnrolmentWay, Scenario
from signerd_harness.scenario_file import ScenarioError
from signerd_harness.table import write_documents
from signerd_harness.tally import Tally
from signerd_harness.verifier import Verified, VerifierPlan, run_verifier

T = TypeVar("T")

_ENROLLING: Final = 16
_CHAINS_AT_ONCE: Final = 500
# Certificates of a year have expired then; the CA's have not.
_AHEAD: Final = timedelta(days=400)
_VERIFIER_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how to run. directory: of the run's files; made. daemon: a private one, or None."""

    targets: Targets
    directory: Path
    workers: int
    daemon: PrivateDaemon | None = None


@dataclass(slots=True)
class Live:
    """How a run stands, for whoever watches. phase: words. recent: of the last reports. done and
    total: of the phase; total is 0 where there is none."""

    phase: str
    done: int
    total: int
    result: Result
    recent: Tally
    kills: int


Watch = Callable[[Live], None]


def run(scenario: Scenario, place: Place, watch: Watch) -> Result:
    """Enrol, act, verify. watch is called several times a second.

    Raises ScenarioError, WorkerFailed, DaemonFailed and SignerdError.
    """
    _check(scenario, place)
    with ExitStack() as stack:
        with Client(place.targets.officer) as client:
            info, chain = client.server_info(), client.get_ca_chain()
        if scenario.customers.profile not in info.profiles:
            raise ScenarioError(
                f"the daemon has no profile {scenario.customers.profile};"
                f" it has {', '.join(info.profiles)}"
            )
        terms = Terms(
            info.principal,
            hashlib.sha256(chain[0]).hexdigest(),
            place.workers,
            scenario.customers,
        )
        identity = stack.enter_context(open_record(place.directory, terms, datetime.now(UTC)))
        plans = [
            WorkerPlan(
                scenario=scenario,
                targets=place.targets,
                directory=place.directory,
                number=number,
                workers=place.workers,
                run=identity,
                enrolling=max(1, _ENROLLING // place.workers),
            )
            for number in range(place.workers)
        ]
        for plan in plans:
            plan.evidence.unlink(missing_ok=True)
        if place.daemon is not None:
            _prepare(place.daemon, scenario)
        crew = stack.enter_context(Crew(plans))
        result = Result(scenario, datetime.now(UTC), _facts(info.version, place))
        return _Run(scenario, place, plans, crew, result, watch).go(chain)


def _prepare(daemon: PrivateDaemon, scenario: Scenario) -> None:
    """Whoever is to prove an identity has a document that the daemon can look up."""
    if scenario.customers.enrolment is EnrolmentWay.PROOFS:
        people = customers(scenario.customers.count, seed=scenario.customers.seed)
        documents = daemon.directory / "documents.csv"
        with documents.open("w", encoding="utf-8", newline="") as file:
            write_documents(file, people)


def _check(scenario: Scenario, place: Place) -> None:
    if shutil.which("openssl") is None:
        raise ScenarioError("there is no openssl program to verify signatures with; install it")
    if place.daemon is None and scenario.customers.expired:
        raise ScenarioError(
            "customers.expired needs a daemon whose clock can be set: run it with --private"
        )
    if place.daemon is None and scenario.incident.victims:
        raise ScenarioError(
            "incident.victims needs a daemon whose processes may be killed: run it with --private"
        )


@dataclass(slots=True)
class _Run:
    scenario: Scenario
    place: Place
    plans: list[WorkerPlan]
    crew: Crew
    result: Result
    watch: Watch
    kills: list[Kill] = field(default_factory=list)

    def go(self, chain: Sequence[bytes]) -> Result:
        """All phases."""
        result = self.result
        self._enrol()
        if result.enrolled == self.scenario.customers.count:
            with tempfile.TemporaryDirectory(prefix="sdverify") as directory:
                self._act(Path(directory) / "signatures")
                self._verify_chains(Path(directory) / "chains", chain)
        result.peak_kib = list(self.crew.peak_kib)
        return result

    def _enrol(self) -> None:
        result, started = self.result, time.monotonic()
        before = self._count_enrolled()

        def heard(progress: Progress | None) -> None:
            if progress is not None:
                result.enrolled_now += progress.enrolled
            self._show("enrolling", before + result.enrolled_now, self.scenario.customers.count)

        if self.scenario.customers.expired and self.place.daemon is not None:
            self.crew.do(Command.ENROL_EXPIRED, heard)
            self.place.daemon.restart("--clock-offset", f"{_AHEAD.days}d")
        result.stopped = self.crew.do(Command.ENROL, heard)
        result.enrolled = before + result.enrolled_now
        result.enrolment_s = time.monotonic() - started

    def _count_enrolled(self) -> int:
        return sum(
            len({customer for customer, _ in every_certificate(plan.book)})
            for plan in self.plans
            if plan.book.exists()
        )

    def _act(self, directory: Path) -> None:
        result = self.result
        result.begun, started = datetime.now(UTC), time.monotonic()
        extent = self.scenario.extent

        def heard(progress: Progress | None) -> None:
            recent = Tally()
            if progress is not None:
                recent = progress.tally
                result.tally.merge(recent)
                result.timeline.add(time.monotonic() - started, recent)
            result.acts_s = time.monotonic() - started
            total = extent.count or int(extent.duration_s)
            done = result.tally.total if extent.count else int(result.acts_s)
            self._show("acting", done, total, recent)

        with self._verifying(directory) as verified:
            with self._killing():
                result.stopped = self.crew.do(Command.ACT, heard)
            result.acts_s = time.monotonic() - started
            result.kills = [Kill(kill.at - started, kill.name, kill.pid) for kill in self.kills]
            verifying = time.monotonic()
            for result.verified in verified():
                self._show("verifying", result.verified.count, result.tally.signatures)
            result.verification_s = time.monotonic() - verifying

    @contextmanager
    def _killing(self) -> Iterator[None]:
        incident = self.scenario.incident
        if self.place.daemon is None or not incident.victims:
            yield
            return
        with Killer(self.place.daemon, incident, self.scenario.customers.seed) as killer:
            self.kills = killer.kills
            yield

    @contextmanager
    def _verifying(self, directory: Path) -> Iterator[Callable[[], Iterator[Verified]]]:
        """A process that verifies, and what to ask for what it finds until its end."""
        settings = self.scenario.verification
        plan = VerifierPlan(
            files=tuple((one.evidence, one.book) for one in self.plans),
            directory=directory,
            algorithm=self.scenario.customers.algorithm,
            processes=settings.processes,
            beside=settings.during_run,
        )
        for one in self.plans:
            one.evidence.touch()
        process, pipe = _start_verifier(plan)

        def rest() -> Iterator[Verified]:
            try:
                pipe.send(None)
                while True:
                    while not pipe.poll(_VERIFIER_POLL_S):
                        pass
                    yield pipe.recv()
            except (EOFError, ConnectionError):
                process.join()
            if process.exitcode:
                raise WorkerFailed("the process that has signatures verified has ended by itself")

        try:
            yield rest
        finally:
            pipe.close()
            end(process)

    def _verify_chains(self, directory: Path, chain: Sequence[bytes]) -> None:
        check, result = ChainCheck(directory, chain), self.result
        now = int(time.time())
        if self.scenario.customers.expired:
            now += int(_AHEAD.total_seconds())
        for is_expired in (False, True):
            certificates = (
                der
                for plan in self.plans
                for index, der in every_certificate(plan.book)
                if (plan.share.kind(index) is Standing.EXPIRED) == is_expired
            )
            for some in _batches(certificates, _CHAINS_AT_ONCE):
                result.chain_failures += check.failures(some, at=None if is_expired else now)
                result.chains += len(some)
                self._show("verifying chains", result.chains, 0)

    def _show(self, phase: str, done: int, total: int, recent: Tally | None = None) -> None:
        self.watch(Live(phase, done, total, self.result, recent or Tally(), len(self.kills)))


def _start_verifier(plan: VerifierPlan) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_verifier, args=(plan, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(items, size)):
        yield some


def _facts(version: str, place: Place) -> dict[str, str]:
    openssl = subprocess.run(
        ["openssl", "version"],  # noqa: S607 - whichever openssl the user trusts
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "daemon": f"{place.targets.officer.address}, version {version}"
        + (", private" if place.daemon else ""),
        "machine of the harness": f"{os.cpu_count()} processors, Python"
        f" {platform.python_version()}, {place.workers} workers",
        "verified with": openssl.stdout.strip(),
    }
