"""More callers than can be served, and 80 % of the most for long."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples.private_daemon import PrivateDaemon
from scripts.benchmark.companion import run_together, start_in_turn
from scripts.benchmark.softhsm import KeyKind
from signerd_client import AsyncClient, Client, RetryPolicy, SignerdError, SignItem, Target

_KEYS: Final = 4
_SIZE: Final = 64
_BATCH_CALLERS: Final = 8
_TIMES: Final = 10
_SINGLE_CALLERS: Final = 16
_PROBE_S: Final = 4.0
_SHARE: Final = 0.8
_LIMIT_S: Final = 120.0
_RECOVERY_LIMIT_S: Final = 30.0
_NO_RETRY: Final = RetryPolicy(unreachable_s=0.0, checksum_attempts=1)


@dataclass(frozen=True, slots=True)
class Overload:
    """Batches of 64 of RSA-2048, from ten times as many callers as the most was measured with; what
    is refused the client library asks for again. Rates in signatures; recovery_s: until a single
    Sign takes no more than twice what it took before."""

    callers: int
    duration_s: float
    most_per_s: float
    good_per_s: float
    growth_mib: float
    recovery_s: float


@dataclass(frozen=True, slots=True)
class Soak:
    """Sign of P-256 keys. first_ms, last_ms: p99 of the first and the last tenth; growth of fronts
    and hosts together since the end of the first tenth."""

    duration_s: float
    rate_per_s: float
    errors: int
    first_ms: float
    last_ms: float
    growth_mib: float
    files_growth: int


@dataclass(frozen=True, slots=True)
class _Load:
    """size: of a batch, 0 for single calls. per_second: of all callers, 0 for as many as they
    get."""

    target: Target
    credentials: Sequence[str]
    callers: int
    size: int
    duration_s: float
    per_second: float = 0.0


@dataclass(slots=True)
class _Count:
    """moments: begin and duration of each call answered well, seconds since the load began."""

    signed: int = 0
    refused: int = 0
    errors: int = 0
    moments: list[tuple[float, float]] = field(default_factory=list)
    refusals_s: list[float] = field(default_factory=list)


class EnduranceBenchmark:
    """Measures one daemon."""

    def __init__(self, daemon: PrivateDaemon) -> None:
        self._daemon = daemon
        self._credentials: dict[KeyKind, list[str]] = {}

    def prepare(self) -> None:
        """Issue the keys that sign, and have every token host see them."""
        with (
            Client(self._daemon.target("ra-officer")) as officer,
            Client(self._daemon.target("signer")) as signer,
        ):
            for kind in KeyKind:
                names = [f"long-{kind.name.lower().replace('_', '-')}-{n}" for n in range(_KEYS)]
                self._credentials[kind] = [
                    officer.issue_certificate(
                        name, "personal", "벤치마크", key_algorithm=kind.value
                    ).credential
                    for name in names
                ]
                for credential in self._credentials[kind] * _KEYS:
                    signer.sign(credential, digest=bytes(32))

    def overload(self, duration_s: float) -> Overload:
        """Ten times the callers."""
        most = self._run(KeyKind.RSA_2048, _BATCH_CALLERS, _SIZE, _PROBE_S)
        usual_s = self._single_s()
        before = self._memory_mib()
        callers = _TIMES * _BATCH_CALLERS
        over = self._run(KeyKind.RSA_2048, callers, _SIZE, duration_s)
        ended = time.perf_counter()
        while self._single_s() > 2 * usual_s and time.perf_counter() < ended + _RECOVERY_LIMIT_S:
            continue
        return Overload(
            callers=callers,
            duration_s=duration_s,
            most_per_s=most.signed / _PROBE_S,
            good_per_s=over.signed / duration_s,
            growth_mib=self._memory_mib() - before,
            recovery_s=time.perf_counter() - ended,
        )

    def soak(self, duration_s: float) -> Soak:
        """80 % of what as many callers get who do not pause."""
        most = self._run(KeyKind.P_256, _SINGLE_CALLERS, 0, _PROBE_S).signed / _PROBE_S
        tenth_s = duration_s / 10
        rate = _SHARE * most
        first = self._run(KeyKind.P_256, _SINGLE_CALLERS, 0, tenth_s, rate)
        memory, files = self._memory_mib(), self._files()
        rest = self._run(KeyKind.P_256, _SINGLE_CALLERS, 0, duration_s - tenth_s, rate)
        last = [took for begin, took in rest.moments if begin > duration_s - 2 * tenth_s]
        return Soak(
            duration_s=duration_s,
            rate_per_s=(first.signed + rest.signed) / duration_s,
            errors=first.errors + first.refused + rest.errors + rest.refused,
            first_ms=_p99_ms([took for _, took in first.moments]),
            last_ms=_p99_ms(last),
            growth_mib=self._memory_mib() - memory,
            files_growth=self._files() - files,
        )

    def _run(
        self, kind: KeyKind, callers: int, size: int, duration_s: float, per_second: float = 0.0
    ) -> _Count:
        load = _Load(
            self._daemon.target("signer"),
            self._credentials[kind],
            callers,
            size,
            duration_s,
            per_second,
        )
        [count] = run_together(start_in_turn(1, _apply, load), duration_s + _LIMIT_S)
        return count

    def _single_s(self) -> float:
        """The median of a few single calls."""
        taken = []
        with Client(self._daemon.target("signer"), retry=_NO_RETRY) as client:
            client.health()
            for _ in range(5):
                begin = time.perf_counter()
                client.sign(self._credentials[KeyKind.RSA_2048][0], digest=bytes(32))
                taken.append(time.perf_counter() - begin)
        return sorted(taken)[2]

    def _pids(self) -> list[int]:
        return [it.pid for group in ("front", "host") for it in self._daemon.processes(group)]

    def _memory_mib(self) -> float:
        pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in self._pids()]
        return sum(map(int, pages)) * 4 / 1024

    def _files(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._pids())


def _apply(gate: Callable[[], None], load: _Load) -> _Count:
    return asyncio.run(_apply_all(gate, load))


async def _apply_all(gate: Callable[[], None], load: _Load) -> _Count:
    count = _Count()
    names = itertools.cycle(load.credentials)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                AsyncClient(load.target, timeout_s=_LIMIT_S, retry=_NO_RETRY, coalesce=False)
            )
            for _ in range(load.callers)
        ]
        for client in clients:
            await client.health()
        gate()
        began = time.perf_counter()
        await asyncio.gather(
            *(_caller(client, next(names), load, count, began) for client in clients)
        )
    return count


async def _caller(client: AsyncClient, name: str, load: _Load, count: _Count, began: float) -> None:
    pause_s = load.callers / load.per_second if load.per_second else 0.0
    items = [SignItem(digest=bytes(32))] * load.size
    for turn in itertools.count():
        due = began + turn * pause_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begin = time.perf_counter()
        if begin > began + load.duration_s:
            return
        wait_s = 0.0
        try:
            if items:
                results = await client.batch_sign(items, credential=name)
                bad = [one for one in results if isinstance(one, SignerdError)]
                count.errors += len(bad)
                count.signed += len(results) - len(bad)
            else:
                await client.sign(name, digest=bytes(32))
                count.signed += 1
            count.moments.append((begin - began, time.perf_counter() - begin))
        except SignerdError as error:
            count.refused += max(1, load.size)
            count.refusals_s.append(time.perf_counter() - begin)
            wait_s = error.retry_after_s or 0.0
        await asyncio.sleep(wait_s)


def _p99_ms(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[int(len(ordered) * 0.99)] * 1000 if ordered else float("nan")
