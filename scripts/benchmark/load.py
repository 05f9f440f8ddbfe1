"""Load: callers in a process of their own, each with a connection of its own over mutual TLS."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from signerd_client import AsyncClient, RetryPolicy, SignerdError, Target

_CALL_LIMIT_S: Final = 30.0
# A benchmark counts what was refused instead of hiding it in a retry.
_NO_RETRY: Final = RetryPolicy(unreachable_s=0.0, checksum_attempts=1)


@dataclass(frozen=True, slots=True)
class SignLoad:
    """Callers that sign as fast as they are answered. credentials are used in turn."""

    target: Target
    credentials: Sequence[str]
    callers: int
    warm_up_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class IssueLoad:
    """Callers that issue as fast as they are answered. prefix: of the subscriber ids.

    limit: end after so many certificates, even before duration_s has passed.
    """

    target: Target
    algorithm: str
    prefix: str
    callers: int
    duration_s: float
    limit: int = 1_000_000


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What the callers got. latencies_s: of the calls answered well in the measured time, sorted.

    warm_up: calls answered well before it. errors: how many of which reason.
    """

    latencies_s: list[float]
    warm_up: int
    errors: dict[str, int]
    elapsed_s: float
    cpu_s: float
    credentials: list[str]

    @property
    def rate_per_s(self) -> float:
        """Calls answered well per second."""
        return len(self.latencies_s) / self.elapsed_s

    def percentile_ms(self, percent: float) -> float:
        """Latency that so many percent of the calls did not exceed, in milliseconds."""
        if not self.latencies_s:
            return float("nan")
        index = min(len(self.latencies_s) - 1, int(len(self.latencies_s) * percent / 100))
        return self.latencies_s[index] * 1000


class _Caller:
    """Counts what one or more callers get."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.errors: Counter[str] = Counter()

    async def repeat(
        self, call: Callable[[], Awaitable[object]], until: float, limit: Callable[[], bool]
    ) -> None:
        while time.perf_counter() < until and not limit():
            begin = time.perf_counter()
            try:
                await call()
            except SignerdError as error:
                self.errors[error.reason] += 1
                await asyncio.sleep(error.retry_after_s or 0.0)
            else:
                self.latencies_s.append(time.perf_counter() - begin)


def sign(gate: Callable[[], None], load: SignLoad) -> LoadResult:
    """Run a SignLoad in this process."""
    return asyncio.run(_sign(gate, load))


def issue(gate: Callable[[], None], load: IssueLoad) -> LoadResult:
    """Run an IssueLoad in this process."""
    return asyncio.run(_issue(gate, load))


async def _sign(gate: Callable[[], None], load: SignLoad) -> LoadResult:
    names = itertools.cycle(load.credentials)
    digest = bytes(range(32))

    def call(client: AsyncClient) -> Callable[[], Awaitable[object]]:
        return lambda: client.sign(next(names), digest=digest)

    async with AsyncExitStack() as stack:
        calls = [call(client) for client in await _clients(stack, load.target, load.callers)]
        warm_up, _ = await _all(calls, load.warm_up_s)
        gate()
        cpu = time.process_time()
        measured, elapsed_s = await _all(calls, load.duration_s)
        cpu_s = time.process_time() - cpu
    return LoadResult(
        latencies_s=sorted(measured.latencies_s),
        warm_up=len(warm_up.latencies_s),
        errors=dict(measured.errors + warm_up.errors),
        elapsed_s=elapsed_s,
        cpu_s=cpu_s,
        credentials=[],
    )


async def _issue(gate: Callable[[], None], load: IssueLoad) -> LoadResult:
    numbers = itertools.count()
    made: list[str] = []

    def call(client: AsyncClient) -> Callable[[], Awaitable[object]]:
        async def one() -> None:
            certificate = await client.issue_certificate(
                f"{load.prefix}-{next(numbers)}",
                "personal",
                "벤치마크",
                key_algorithm=load.algorithm,
            )
            made.append(certificate.credential)

        return one

    async with AsyncExitStack() as stack:
        calls = [call(client) for client in await _clients(stack, load.target, load.callers)]
        gate()
        cpu = time.process_time()
        measured, elapsed_s = await _all(calls, load.duration_s, lambda: len(made) >= load.limit)
        cpu_s = time.process_time() - cpu
    return LoadResult(
        latencies_s=sorted(measured.latencies_s),
        warm_up=0,
        errors=dict(measured.errors),
        elapsed_s=elapsed_s,
        cpu_s=cpu_s,
        credentials=made,
    )


async def _clients(stack: AsyncExitStack, target: Target, count: int) -> list[AsyncClient]:
    clients = [
        await stack.enter_async_context(
            AsyncClient(target, timeout_s=_CALL_LIMIT_S, retry=_NO_RETRY, coalesce=False)
        )
        for _ in range(count)
    ]
    # Connections are made now, one by one, so that handshakes are not measured.
    for client in clients:
        await client.health()
    return clients


async def _all(
    calls: Sequence[Callable[[], Awaitable[object]]],
    duration_s: float,
    limit: Callable[[], bool] = lambda: False,
) -> tuple[_Caller, float]:
    counted = _Caller()
    begin = time.perf_counter()
    await asyncio.gather(*(counted.repeat(call, begin + duration_s, limit) for call in calls))
    return counted, time.perf_counter() - begin
