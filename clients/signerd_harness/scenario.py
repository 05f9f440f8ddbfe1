"""Scenarios: who the customers are, what they do and how often, and what must hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from signerd_client import KeyAlgorithm
from signerd_harness.act import Act


class EnrolmentWay(StrEnum):
    """How customers get their first certificate. DIRECT: the bank vouches for them. PROOFS: they
    are registered, and prove who they are by document and password."""

    DIRECT = "direct"
    PROOFS = "proofs"


@dataclass(frozen=True, slots=True)
class Population:
    """count: customers, `expired` of them with a certificate that has expired (only with a
    private daemon), the next `with_pin` with a key that signs with their PIN only. seed: of the
    customers and of what they choose to do."""

    count: int
    seed: int
    profile: str
    algorithm: KeyAlgorithm
    expired: int = 0
    with_pin: int = 0
    enrolment: EnrolmentWay = EnrolmentWay.DIRECT


@dataclass(frozen=True, slots=True)
class Arrival:
    """Either rate_per_s (open: acts begin when it is time, however long others take) or callers
    (closed: each begins an act when its last one has ended); the other is 0. ramp_s: from nothing
    to that, evenly."""

    rate_per_s: float = 0.0
    callers: int = 0
    ramp_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a run goes on: duration_s or count of acts, whichever is given; the other is 0."""

    duration_s: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """p99_ms: of the latency of each act by name. error_share: of all acts, at most, that ended
    with neither of the results that can be judged."""

    error_share: float = 0.0
    p99_ms: Mapping[Act, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """processes: of openssl at the same time. during_run: begin while acts are still going on,
    which takes processor time from them; otherwise afterwards."""

    processes: int = 2
    during_run: bool = False


@dataclass(frozen=True, slots=True)
class PrivateSize:
    """Processes of a private daemon."""

    fronts: int = 2
    hosts: int = 2


@dataclass(frozen=True, slots=True)
class Incident:
    """Processes of a private daemon that are killed (SIGKILL) at random: one of `victims`, every
    `interval_s` on average. Without victims nothing is killed."""

    victims: tuple[str, ...] = ()
    interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """mix: how often each act is chosen, relative to the others. title: a line for people."""

    name: str
    title: str
    customers: Population
    arrival: Arrival
    extent: Extent
    mix: Mapping[Act, float]
    thresholds: Thresholds
    verification: Verification
    private: PrivateSize
    incident: Incident
    timeout_s: float = 60.0
