"""What a private daemon serves: signatures, certificates, and signatures while it issues."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from examples.private_daemon import PrivateDaemon
from scripts.benchmark import load
from scripts.benchmark.companion import Companion, run_together, start_in_turn
from scripts.benchmark.load import IssueLoad, LoadResult, SignLoad
from scripts.benchmark.process_cpu import ServerCpu, read_server_cpu
from scripts.benchmark.softhsm import KeyKind
from signerd_client import Client

_ANSWER_LIMIT_S: Final = 60.0
_KEYS: Final = 8
_ISSUING_CALLERS: Final = 4
_CROWD_CALLERS: Final = 8
_SIGNATURE_EVENT: Final = "signature.created"


@dataclass(frozen=True, slots=True)
class ServedRate:
    """Unary Sign over mTLS. CPU in microseconds of one signature: of all fronts, all token hosts,
    and the process that made the load. errors: calls not answered well."""

    kind: KeyKind
    callers: int
    signatures: int
    errors: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float
    fronts_cpu_us: float
    hosts_cpu_us: float
    client_cpu_us: float


@dataclass(frozen=True, slots=True)
class IssueRate:
    """IssueCertificate with a new key on the token."""

    kind: KeyKind
    callers: int
    certificates: int
    errors: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class CrowdedRate:
    """Sign with P-256 keys when the pool holds so many subscriber keys. issued: certificates that
    another caller got in the same time; 0 when nobody issued."""

    keys: int
    issued: int
    signatures: int
    errors: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Signatures that clients counted, and those that the daemon has on record. reasons: why calls
    failed, and how many of them."""

    acknowledged: int
    recorded: int
    reasons: dict[str, int]

    @property
    def errors(self) -> int:
        """Calls that failed."""
        return sum(self.reasons.values())

    @property
    def agrees(self) -> bool:
        """Everything acknowledged is on record; what is more can only be calls that failed."""
        return self.acknowledged <= self.recorded <= self.acknowledged + self.errors


class ServedBenchmark:
    """Measures one daemon, and counts every signature that its clients were given."""

    def __init__(self, daemon: PrivateDaemon, warm_up_s: float, duration_s: float) -> None:
        self._daemon = daemon
        self._warm_up_s = warm_up_s
        self._duration_s = duration_s
        self._acknowledged = 0
        self._reasons: Counter[str] = Counter()
        self._keys = 0
        self._prefixes = 0
        self._credentials: dict[KeyKind, list[str]] = {}

    def prepare(self) -> None:
        """Issue the keys that sign."""
        for kind in KeyKind:
            made = self._issue(kind, limit=_KEYS, limit_s=_ANSWER_LIMIT_S)
            if len(made.credentials) < _KEYS:
                raise RuntimeError(f"issuing {kind} keys failed: {made.errors}")
            self._credentials[kind] = made.credentials

    def sign(self, caller_counts: tuple[int, ...]) -> Iterator[ServedRate]:
        """Every kind of key with every number of callers."""
        for kind in KeyKind:
            for callers in caller_counts:
                yield self._measure_sign(kind, callers)

    def issue(self) -> Iterator[IssueRate]:
        """Every kind of key."""
        for kind in KeyKind:
            result = self._issue(kind, limit_s=self._duration_s)
            yield IssueRate(
                kind=kind,
                callers=_ISSUING_CALLERS,
                certificates=len(result.latencies_s),
                errors=sum(result.errors.values()),
                rate_per_s=result.rate_per_s,
                p50_ms=result.percentile_ms(50),
                p99_ms=result.percentile_ms(99),
            )

    def crowd(self, key_counts: tuple[int, ...], fill_limit_s: float) -> Iterator[CrowdedRate]:
        """At each number of keys: sign while nobody issues, and while another caller does.

        The keys that sign lie on the token that is filling. When filling takes longer than
        fill_limit_s the number of keys that was reached stands in the result.
        """
        for count in key_counts:
            missing = count - self._keys
            if missing > 0:
                filled = self._issue(KeyKind.P_256, limit=missing, limit_s=fill_limit_s)
                self._credentials[KeyKind.P_256] = filled.credentials[-_KEYS:]
            yield self._measure_crowded(is_issuing=False)
            yield self._measure_crowded(is_issuing=True)

    def reconcile(self) -> Reconciliation:
        """Compare the clients' count with the daemon's own."""
        with Client(self._daemon.target("auditor")) as client:
            events = client.list_audit_events(kind=_SIGNATURE_EVENT, page_size=1000)
            recorded = sum(1 for _ in events)
        return Reconciliation(self._acknowledged, recorded, dict(self._reasons))

    def _measure_sign(self, kind: KeyKind, callers: int) -> ServedRate:
        companions = start_in_turn(1, load.sign, self._sign_load(kind, callers))
        before = read_server_cpu(self._daemon)
        [result] = run_together(companions, self._duration_s + _ANSWER_LIMIT_S)
        cpu = read_server_cpu(self._daemon) - before
        self._count(result)
        return _served(kind, callers, result, cpu)

    def _measure_crowded(self, *, is_issuing: bool) -> CrowdedRate:
        keys = self._keys
        signing: Companion[LoadResult] = Companion(
            load.sign, self._sign_load(KeyKind.P_256, _CROWD_CALLERS)
        )
        companions = [signing]
        signing.wait_until_ready()
        if is_issuing:
            issuing = self._issue_load(KeyKind.P_256, callers=1, limit_s=self._duration_s)
            companions += start_in_turn(1, load.issue, issuing)
        signed, *issued = run_together(companions, self._duration_s + _ANSWER_LIMIT_S)
        self._count(signed)
        made = sum(len(result.credentials) for result in issued)
        self._keys += made
        return CrowdedRate(
            keys=keys,
            issued=made,
            signatures=len(signed.latencies_s),
            errors=sum(signed.errors.values()),
            rate_per_s=signed.rate_per_s,
            p50_ms=signed.percentile_ms(50),
            p99_ms=signed.percentile_ms(99),
        )

    def _issue(self, kind: KeyKind, *, limit_s: float, limit: int = 1_000_000) -> LoadResult:
        plan = self._issue_load(kind, callers=_ISSUING_CALLERS, limit_s=limit_s, limit=limit)
        [result] = run_together(start_in_turn(1, load.issue, plan), limit_s + _ANSWER_LIMIT_S)
        self._keys += len(result.credentials)
        return result

    def _issue_load(
        self, kind: KeyKind, *, callers: int, limit_s: float, limit: int = 1_000_000
    ) -> IssueLoad:
        self._prefixes += 1
        return IssueLoad(
            target=self._daemon.target("ra-officer"),
            algorithm=kind.value,
            prefix=f"bench-{self._prefixes}",
            callers=callers,
            duration_s=limit_s,
            limit=limit,
        )

    def _sign_load(self, kind: KeyKind, callers: int) -> SignLoad:
        return SignLoad(
            target=self._daemon.target("signer"),
            credentials=self._credentials[kind],
            callers=callers,
            warm_up_s=self._warm_up_s,
            duration_s=self._duration_s,
        )

    def _count(self, result: LoadResult) -> None:
        self._acknowledged += len(result.latencies_s) + result.warm_up
        self._reasons.update(result.errors)


def _served(kind: KeyKind, callers: int, result: LoadResult, cpu: ServerCpu) -> ServedRate:
    each_us = 1e6 / max(1, len(result.latencies_s))
    return ServedRate(
        kind=kind,
        callers=callers,
        signatures=len(result.latencies_s),
        errors=sum(result.errors.values()),
        rate_per_s=result.rate_per_s,
        p50_ms=result.percentile_ms(50),
        p99_ms=result.percentile_ms(99),
        fronts_cpu_us=cpu.fronts_s * each_us,
        hosts_cpu_us=cpu.hosts_s * each_us,
        client_cpu_us=result.cpu_s * each_us,
    )
