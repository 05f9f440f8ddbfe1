"""A run in a few numbers, for programs and for the lines that end it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from signerd_harness.act import Act
from signerd_harness.result import Check, Result
from signerd_harness.tally import Outcome

_KIB: int = 1024


@dataclass(frozen=True, slots=True)
class ActSummary:
    """An act. Latencies in milliseconds, right to 3 %."""

    act: str
    done: int
    refused: int
    wrong: int
    errors: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run. wrong_results: acts with another outcome than the one that had to come, and signatures
    that do not verify. begun: RFC 3339, UTC. peak_mib: of each worker."""

    scenario: str
    passed: bool
    stopped: bool
    begun: str
    customers: int
    enrolled: int
    enrolled_now: int
    enrolment_s: float
    acts: int
    acts_s: float
    acts_per_s: float
    p50_ms: float
    p99_ms: float
    refused_as_expected: int
    wrong_results: int
    errors: int
    signatures: int
    signatures_verified: int
    verification_s: float
    chains_verified: int
    kills: int
    peak_mib: tuple[int, ...]
    by_act: tuple[ActSummary, ...]
    reasons: Mapping[str, int]
    failed_checks: tuple[str, ...]
    samples: tuple[str, ...]


def summarise(result: Result, checks: list[Check]) -> Summary:
    """The numbers of a run."""
    tally, latencies = result.tally, result.tally.all_latencies()
    verified = result.verified
    return Summary(
        scenario=result.scenario.name,
        passed=not any(check.problem for check in checks),
        stopped=result.stopped,
        begun=result.begun.astimezone(UTC).isoformat(timespec="seconds"),
        customers=result.scenario.customers.count,
        enrolled=result.enrolled,
        enrolled_now=result.enrolled_now,
        enrolment_s=round(result.enrolment_s, 1),
        acts=tally.total,
        acts_s=round(result.acts_s, 1),
        acts_per_s=round(result.rate_per_s, 1),
        p50_ms=round(latencies.percentile_ms(0.5), 1),
        p99_ms=round(latencies.percentile_ms(0.99), 1),
        refused_as_expected=tally.count(Outcome.REFUSED),
        wrong_results=tally.count(Outcome.WRONG) + verified.wrong_count,
        errors=tally.count(Outcome.ERROR),
        signatures=tally.signatures,
        signatures_verified=verified.count - verified.wrong_count,
        verification_s=round(result.verification_s, 1),
        chains_verified=result.chains - len(result.chain_failures),
        kills=len(result.kills),
        peak_mib=tuple(kib // _KIB for kib in result.peak_kib),
        by_act=tuple(_act(result, act) for act in Act if act in tally.latencies),
        reasons=dict(tally.reasons),
        failed_checks=tuple(check.name for check in checks if check.problem),
        samples=tuple(tally.samples),
    )


def _act(result: Result, act: Act) -> ActSummary:
    tally = result.tally
    return ActSummary(
        act=act,
        done=tally.count(Outcome.DONE, act),
        refused=tally.count(Outcome.REFUSED, act),
        wrong=tally.count(Outcome.WRONG, act),
        errors=tally.count(Outcome.ERROR, act),
        p50_ms=round(tally.latencies[act].percentile_ms(0.5), 1),
        p99_ms=round(tally.latencies[act].percentile_ms(0.99), 1),
    )
