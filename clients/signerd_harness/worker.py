"""A process of the run: enrols its share of the customers and acts for them."""

import asyncio
import itertools
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from signerd_client import SignerdError
from signerd_harness.act import Act, Standing
from signerd_harness.arrival import begin_s, caller_begin_s
from signerd_harness.bank import Bank
from signerd_harness.certificate_book import CertificateBook
from signerd_harness.customer import customer
from signerd_harness.enrolment import enrol
from signerd_harness.evidence import EvidenceFile
from signerd_harness.plan import Command, Finished, Progress, WorkerPlan
from signerd_harness.tally import Tally
from signerd_harness.teller import Teller

_REPORT_S: Final = 0.5
_IDLE_S: Final = 0.01
# Of an act that others have to come before.
_MOST_TRIES: Final = 30
# Acts under way at once at an open arrival; those that come then wait, and their latency counts
# from when they came.
_MOST_AT_ONCE: Final = 256


def run_worker(plan: WorkerPlan, pipe: Connection) -> None:
    """Do what the pipe says until it says END or its other end is gone."""
    # Ctrl-C at the terminal reaches every process; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, ConnectionError), CertificateBook(plan.book, len(plan.share)) as book:
        while (command := pipe.recv()) is not Command.END:
            if command is not Command.STOP:
                worker = _Worker(plan, pipe, book)
                problem = asyncio.run(worker.run(command))
                peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                pipe.send(Finished(problem, peak_kib))


class _Worker:
    """One command."""

    def __init__(self, plan: WorkerPlan, pipe: Connection, book: CertificateBook) -> None:
        self._plan = plan
        self._pipe = pipe
        self._book = book
        self._enrolled = 0
        self._tally = Tally()
        self._stopped = False
        self._flush: Callable[[], None] = lambda: None

    async def run(self, command: Command) -> str:
        """What went wrong, for people; empty where nothing did."""
        reporter = asyncio.create_task(self._report_regularly())
        try:
            async with Bank(self._plan.targets, timeout_s=self._plan.scenario.timeout_s) as bank:
                if command is Command.ACT:
                    await self._act(bank)
                else:
                    await self._enrol(bank, expired=command is Command.ENROL_EXPIRED)
        except SignerdError as error:
            return f"{error.message} [{error.reason}]"
        finally:
            reporter.cancel()
            self._report()
        return ""

    async def _enrol(self, bank: Bank, *, expired: bool) -> None:
        share = self._plan.share
        waiting = iter(
            index
            for index in range(len(share))
            if (share.kind(index) is Standing.EXPIRED) == expired
            and self._book.standing(index) is Standing.NONE
        )

        async def enrol_one_after_another() -> None:
            for index in waiting:
                if self._stopped:
                    return
                person = customer(share.number(index), seed=share.population.seed)
                kind = share.kind(index)
                certificate = await enrol(
                    bank,
                    person,
                    share.population,
                    self._plan.run,
                    with_pin=kind is Standing.WITH_PIN,
                )
                self._book.keep(index, certificate, kind)
                self._enrolled += 1

        await asyncio.gather(*(enrol_one_after_another() for _ in range(self._plan.enrolling)))

    async def _act(self, bank: Bank) -> None:
        plan = self._plan
        seed = f"{plan.scenario.customers.seed}/{plan.number}/{os.getpid()}"
        chance = random.Random(seed)  # noqa: S311 - a choice of acts, not a secret
        with EvidenceFile(plan.evidence) as evidence:
            teller = Teller(plan.share, bank, self._book, evidence, chance)
            await teller.gather()
            self._tally = teller.tally
            self._flush = evidence.flush
            arrivals = _Arrivals(plan, teller, chance, lambda: self._stopped)
            await arrivals.run()

    async def _report_regularly(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_S)
            self._report()
            while self._pipe.poll():
                self._stopped |= self._pipe.recv() in (Command.STOP, Command.END)

    def _report(self) -> None:
        self._flush()
        self._pipe.send(Progress(self._tally, self._enrolled))
        self._enrolled = 0
        self._tally.clear()


class _Arrivals:
    """Begins acts when it is time."""

    def __init__(
        self,
        plan: WorkerPlan,
        teller: Teller,
        chance: random.Random,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._teller = teller
        self._chance = chance
        self._is_stopped = is_stopped
        mix = plan.scenario.mix
        self._acts = tuple(mix)
        self._owed = dict.fromkeys(mix, _MOST_TRIES)
        self._weights = tuple(itertools.accumulate(mix.values()))
        self._numbers = iter(
            range(plan.number, plan.scenario.extent.count, plan.workers)
            if plan.scenario.extent.count
            else itertools.count(plan.number, plan.workers)
        )
        self._start = time.monotonic()

    async def run(self) -> None:
        """All acts of this worker, until time or count is reached."""
        if self._plan.scenario.arrival.callers:
            await self._closed()
        else:
            await self._open()

    async def _closed(self) -> None:
        arrival = self._plan.scenario.arrival
        callers = range(self._plan.number, arrival.callers, self._plan.workers)
        await asyncio.gather(*(self._call(caller_begin_s(arrival, one)) for one in callers))

    async def _call(self, begin: float) -> None:
        await asyncio.sleep(begin)
        while not self._is_over() and next(self._numbers, None) is not None:
            await self._act_of_somebody(time.monotonic)

    async def _open(self) -> None:
        slots = asyncio.Semaphore(_MOST_AT_ONCE)

        async def act(due: float) -> None:
            try:
                await self._act_of_somebody(lambda: due)
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            for number in self._numbers:
                due = self._start + begin_s(self._plan.scenario.arrival, number)
                if self._is_over(due):
                    return
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                if slots.locked():
                    self._teller.tally.late += 1
                await slots.acquire()
                group.create_task(act(due))

    async def _act_of_somebody(self, began: Callable[[], float]) -> None:
        """Where nobody is free for the act that was chosen, wait for somebody."""
        while (done := await self._teller.act(chosen := self._choose(), began())) is None:
            if self._is_over():
                return
            await asyncio.sleep(_IDLE_S)
        self._owed.pop(done, None)
        if chosen in self._owed:
            self._owed[chosen] -= 1
            if not self._owed[chosen]:
                del self._owed[chosen]

    def _choose(self) -> Act:
        """First each act of the mix, as far as that can be had; then at random."""
        if self._owed:
            return self._chance.choice([*self._owed])
        return self._chance.choices(self._acts, cum_weights=self._weights)[0]

    def _is_over(self, at: float | None = None) -> bool:
        duration_s = self._plan.scenario.extent.duration_s
        elapsed = (time.monotonic() if at is None else at) - self._start
        return self._is_stopped() or bool(duration_s and elapsed >= duration_s)
