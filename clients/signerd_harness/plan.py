"""What the processes of a run say to each other."""

import uuid
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from signerd_harness.bank import Targets
from signerd_harness.scenario import Scenario
from signerd_harness.tally import Tally
from signerd_harness.teller import Share


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker needs to know. number: of the worker, from 0. workers: how many there are.
    run: the id that request ids of the enrolment follow from. enrolling: calls under way at once,
    of this worker."""

    scenario: Scenario
    targets: Targets
    directory: Path
    number: int
    workers: int
    run: uuid.UUID
    enrolling: int

    @property
    def share(self) -> Share:
        """Its customers."""
        return Share(self.scenario.customers, self.number, self.workers)

    @property
    def book(self) -> Path:
        """The file of its customers' certificates."""
        return self.directory / f"certificates-{self.number}.bin"

    @property
    def evidence(self) -> Path:
        """The file of its signatures."""
        return self.directory / f"signatures-{self.number}.bin"


class Command(Enum):
    """What a worker is told. ENROL_EXPIRED: those whose certificate is to expire. STOP: end what
    it does. END: end the process."""

    ENROL_EXPIRED = auto()
    ENROL = auto()
    ACT = auto()
    STOP = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """What a worker has done since it last said so."""

    tally: Tally
    enrolled: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """A command is done. problem: why it could not be, for people; empty where it could. peak_kib:
    the most memory that the process has had."""

    problem: str = ""
    peak_kib: int = 0
