"""Every form of signing against the token and against an empty RPC, and what each step costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from examples.private_daemon import PrivateDaemon
from scripts.benchmark.companion import Companion, run_together, start_in_turn
from scripts.benchmark.empty_rpc import EmptyRate, measure_empty
from scripts.benchmark.form_load import Form, FormLoad, FormResult, sign_in_form
from scripts.benchmark.process_cpu import read_server_cpu
from scripts.benchmark.softhsm import KeyKind
from signerd_client import Client

_KEYS: Final = 4
_ANSWER_LIMIT_S: Final = 90.0
_SIZE: Final = 64
_BATCH_CALLERS: Final = 4


@dataclass(frozen=True, slots=True)
class FormPlan:
    """callers: of each form. Durations in seconds, of one line of the result."""

    kinds: tuple[KeyKind, ...]
    callers: tuple[int, ...]
    warm_up_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class FormRate:
    """CPU in microseconds of one signature. Latencies are those of a call."""

    form: str
    kind: KeyKind
    callers: int
    size: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float
    fronts_cpu_us: float
    hosts_cpu_us: float
    client_cpu_us: float
    errors: int


@dataclass(frozen=True, slots=True)
class LaneRate:
    """One interactive caller; batch_per_s: signatures of the batches beside it, 0 when alone."""

    kind: KeyKind
    batch_per_s: float
    calls: int
    p50_ms: float
    p99_ms: float


class FormBenchmark:
    """Measures one daemon."""

    def __init__(self, daemon: PrivateDaemon, plan: FormPlan) -> None:
        self._daemon = daemon
        self._plan = plan
        self._credentials: dict[KeyKind, list[str]] = {}

    def prepare(self) -> None:
        """Issue the keys that sign, and have every token host see them."""
        target = self._daemon.target("ra-officer")
        with Client(target) as officer, Client(self._daemon.target("signer")) as signer:
            for kind in self._plan.kinds:
                self._credentials[kind] = [
                    officer.issue_certificate(
                        f"form-{kind.name.lower().replace('_', '-')}-{number}",
                        "personal",
                        "벤치마크",
                        key_algorithm=kind.value,
                    ).credential
                    for number in range(_KEYS)
                ]
                for credential in self._credentials[kind]:
                    for _ in range(_KEYS):
                        signer.sign(credential, digest=bytes(32))

    def empty(self) -> Iterator[EmptyRate]:
        """The empty RPC with each number of callers."""
        for callers in self._plan.callers:
            yield measure_empty(self._daemon, callers, self._plan.duration_s)

    def forms(self) -> Iterator[FormRate]:
        """Every kind of key in every form with each number of callers; of 64 tasks of one client
        there is one."""
        for kind in self._plan.kinds:
            for form in Form:
                for callers in self._plan.callers if form is not Form.TOGETHER else (1,):
                    yield self._measure(kind, form, callers)

    def lanes(self) -> Iterator[LaneRate]:
        """An interactive caller alone, and beside batches that keep the token busy."""
        for kind in self._plan.kinds:
            for batch_callers in (0, _BATCH_CALLERS):
                yield self._measure_lane(kind, batch_callers)

    def _measure(self, kind: KeyKind, form: Form, callers: int) -> FormRate:
        load = self._load(kind, form, callers)
        companions = start_in_turn(1, sign_in_form, load)
        before = read_server_cpu(self._daemon)
        [result] = run_together(companions, self._plan.duration_s + _ANSWER_LIMIT_S)
        cpu = read_server_cpu(self._daemon) - before
        each_us = 1e6 / max(1, result.signed)
        return FormRate(
            form=form.value,
            kind=kind,
            callers=callers,
            size=load.size,
            rate_per_s=result.signed / result.elapsed_s,
            p50_ms=_percentile_ms(result, 50),
            p99_ms=_percentile_ms(result, 99),
            fronts_cpu_us=cpu.fronts_s * each_us,
            hosts_cpu_us=cpu.hosts_s * each_us,
            client_cpu_us=result.cpu_s * each_us,
            errors=sum(result.errors.values()),
        )

    def _measure_lane(self, kind: KeyKind, batch_callers: int) -> LaneRate:
        loads = [self._load(kind, Form.SIGN, 1)]
        if batch_callers:
            loads.append(self._load(kind, Form.BATCH, batch_callers))
        companions: list[Companion[FormResult]] = []
        for load in loads:
            companions += start_in_turn(1, sign_in_form, load)
        single, *batches = run_together(companions, self._plan.duration_s + _ANSWER_LIMIT_S)
        return LaneRate(
            kind=kind,
            batch_per_s=sum(it.signed / it.elapsed_s for it in batches),
            calls=single.signed,
            p50_ms=_percentile_ms(single, 50),
            p99_ms=_percentile_ms(single, 99),
        )

    def _load(self, kind: KeyKind, form: Form, callers: int) -> FormLoad:
        return FormLoad(
            target=self._daemon.target("signer"),
            credentials=self._credentials[kind],
            form=form,
            callers=callers,
            size=1 if form is Form.SIGN else _SIZE,
            warm_up_s=self._plan.warm_up_s,
            duration_s=self._plan.duration_s,
        )


def _percentile_ms(result: FormResult, percent: float) -> float:
    if not result.latencies_s:
        return float("nan")
    last = len(result.latencies_s) - 1
    return result.latencies_s[min(last, int(len(result.latencies_s) * percent / 100))] * 1000
