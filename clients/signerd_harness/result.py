"""What came of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signerd_harness.act import RULES, Act
from signerd_harness.incident import Kill
from signerd_harness.scenario import Scenario
from signerd_harness.tally import Outcome, Tally
from signerd_harness.timeline import Timeline
from signerd_harness.verifier import Verified


@dataclass(slots=True)
class Result:
    """begun: when acts began, UTC. *_s: how long each part took, seconds. enrolled: customers with
    a certificate, enrolled_now of them in this run. kills: `at` in seconds from the first act.
    chains: certificates whose chain openssl was asked about. peak_kib: of each process of the
    harness. stopped: somebody ended the run early."""

    scenario: Scenario
    begun: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    enrolled: int = 0
    enrolled_now: int = 0
    enrolment_s: float = 0.0
    acts_s: float = 0.0
    verification_s: float = 0.0
    tally: Tally = field(default_factory=Tally)
    timeline: Timeline = field(default_factory=Timeline)
    kills: list[Kill] = field(default_factory=list)
    verified: Verified = field(default_factory=lambda: Verified(0, 0, ()))
    chains: int = 0
    chain_failures: list[str] = field(default_factory=list)
    peak_kib: list[int] = field(default_factory=list)
    stopped: bool = False

    @property
    def rate_per_s(self) -> float:
        """Acts a second."""
        return self.tally.total / self.acts_s if self.acts_s else 0.0

    @property
    def error_share(self) -> float:
        """Acts without a result, of all."""
        return self.tally.count(Outcome.ERROR) / self.tally.total if self.tally.total else 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold. problem: what does not, for people; empty where it does. skipped:
    nothing was there to judge."""

    name: str
    problem: str = ""
    skipped: bool = False
    seconds: float = 0.0


def checks(result: Result) -> list[Check]:
    """Everything that must hold of a run, in the order in which people read it."""
    return [
        _enrolment(result),
        *(_act(result, act) for act in _acts(result)),
        _signatures(result),
        _chains(result),
        _errors(result),
        *(_p99(result, act, most) for act, most in result.scenario.thresholds.p99_ms.items()),
    ]


def _acts(result: Result) -> list[Act]:
    """Those of the mix, and those that were done instead."""
    done = {act for act, _ in result.tally.outcomes}
    return [act for act in Act if act in done or act in result.scenario.mix]


def _enrolment(result: Result) -> Check:
    missing = result.scenario.customers.count - result.enrolled
    problem = f"{missing} customers have no certificate" if missing else ""
    return Check("every customer is enrolled", problem, seconds=result.enrolment_s)


def _act(result: Result, act: Act) -> Check:
    rule = RULES[act]
    name = f"{act} is " + (f"refused as {rule.refusal}" if rule.refusal else "done")
    wrong = result.tally.count(Outcome.WRONG, act)
    told = [one for one in result.tally.samples if one.startswith(f"{Outcome.WRONG}: {act}: ")]
    problem = "\n".join([f"{wrong} wrong results", *told]) if wrong else ""
    seen = sum(result.tally.count(outcome, act) for outcome in Outcome)
    return Check(name, problem, skipped=not seen)


def _signatures(result: Result) -> Check:
    verified, signed = result.verified, result.tally.signatures
    problems = []
    if verified.wrong_count:
        problems += [f"{verified.wrong_count} signatures do not verify", *verified.wrong]
    if verified.count != signed:
        problems.append(f"{signed} signatures were answered and {verified.count} verified")
    return Check(
        "every signature verifies with openssl",
        "\n".join(problems),
        skipped=not signed,
        seconds=result.verification_s,
    )


def _chains(result: Result) -> Check:
    bad = result.chain_failures
    problem = "\n".join([f"{len(bad)} chains do not hold", *bad[:10]]) if bad else ""
    return Check(
        "every certificate chain verifies with openssl", problem, skipped=not result.chains
    )


def _errors(result: Result) -> Check:
    most, share = result.scenario.thresholds.error_share, result.error_share
    name = f"at most {most:.2%} of the acts end without a result"
    if share <= most:
        return Check(name)
    told = [one for one in result.tally.samples if one.startswith(f"{Outcome.ERROR}: ")]
    count = result.tally.count(Outcome.ERROR)
    return Check(name, "\n".join([f"{count} did, {share:.2%}", *told]))


def _p99(result: Result, act: Act, most: float) -> Check:
    latencies = result.tally.latencies.get(act)
    name = f"p99 of {act} is at most {most:g} ms"
    if latencies is None:
        return Check(name, skipped=True)
    found = latencies.percentile_ms(0.99)
    return Check(name, f"it is {found:.0f} ms" if found > most else "")
