"""Load in every form of signing, from a process of its own."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from signerd_client import AsyncClient, SignerdError, SignItem, SignResult, Target

_CALL_LIMIT_S: Final = 60.0
_DIGEST: Final = bytes(range(32))


class Form(StrEnum):
    """How a caller asks. TOGETHER: so many tasks call `sign` of one asynchronous client."""

    SIGN = "Sign"
    BATCH = "BatchSign"
    STREAM = "SignStream"
    TOGETHER = "sign(), coalesced"


@dataclass(frozen=True, slots=True)
class FormLoad:
    """Callers, each with a connection of its own. size: of a batch; in flight of a stream; tasks
    of a client."""

    target: Target
    credentials: Sequence[str]
    form: Form
    callers: int
    size: int
    warm_up_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class FormResult:
    """What the callers got. latencies_s: of calls, sorted (a stream has none); all_signed: with
    the warm-up."""

    signed: int
    all_signed: int
    latencies_s: list[float]
    errors: dict[str, int]
    elapsed_s: float
    cpu_s: float


class _Counting:
    def __init__(self) -> None:
        self.signed = 0
        self.latencies_s: list[float] = []
        self.errors: Counter[str] = Counter()

    def take(self, result: SignResult) -> None:
        if isinstance(result, SignerdError):
            self.errors[result.reason] += 1
        else:
            self.signed += 1


def sign_in_form(gate: Callable[[], None], load: FormLoad) -> FormResult:
    """Run a FormLoad in this process."""
    return asyncio.run(_run(gate, load))


async def _run(gate: Callable[[], None], load: FormLoad) -> FormResult:
    names = itertools.cycle(load.credentials)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                AsyncClient(
                    load.target, timeout_s=_CALL_LIMIT_S, coalesce=load.form is Form.TOGETHER
                )
            )
            for _ in range(load.callers)
        ]
        for client in clients:
            await client.health()
        warm_up = await _all(clients, names, load, load.warm_up_s)
        gate()
        begin, cpu = time.perf_counter(), time.process_time()
        counted = await _all(clients, names, load, load.duration_s)
        elapsed_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    return FormResult(
        signed=counted.signed,
        all_signed=counted.signed + warm_up.signed,
        latencies_s=sorted(counted.latencies_s),
        errors=dict(counted.errors + warm_up.errors),
        elapsed_s=elapsed_s,
        cpu_s=cpu_s,
    )


async def _all(
    clients: Sequence[AsyncClient], names: Iterator[str], load: FormLoad, duration_s: float
) -> _Counting:
    counting = _Counting()
    until = time.perf_counter() + duration_s
    await asyncio.gather(
        *(_caller(client, next(names), load, counting, until) for client in clients)
    )
    return counting


def _caller(
    client: AsyncClient, name: str, load: FormLoad, counting: _Counting, until: float
) -> Coroutine[Any, Any, object]:
    match load.form:
        case Form.SIGN:
            return _sign(client, name, counting, until)
        case Form.BATCH:
            return _batch(client, name, load.size, counting, until)
        case Form.STREAM:
            return _stream(client, name, load.size, counting, until)
        case Form.TOGETHER:
            return _together(client, name, load.size, counting, until)


async def _sign(client: AsyncClient, name: str, counting: _Counting, until: float) -> None:
    while (begin := time.perf_counter()) < until:
        try:
            counting.take(await client.sign(name, digest=_DIGEST))
        except SignerdError as error:
            counting.take(error)
        counting.latencies_s.append(time.perf_counter() - begin)


async def _batch(
    client: AsyncClient, name: str, size: int, counting: _Counting, until: float
) -> None:
    items = [SignItem(digest=_DIGEST)] * size
    while (begin := time.perf_counter()) < until:
        try:
            for result in await client.batch_sign(items, credential=name):
                counting.take(result)
        except SignerdError as error:
            counting.take(error)
        counting.latencies_s.append(time.perf_counter() - begin)


async def _stream(
    client: AsyncClient, name: str, size: int, counting: _Counting, until: float
) -> None:
    item = SignItem(name, digest=_DIGEST)
    items = itertools.takewhile(lambda _: time.perf_counter() < until, itertools.repeat(item))
    async for result in client.sign_stream(items, in_flight=size):
        counting.take(result)


async def _together(
    client: AsyncClient, name: str, size: int, counting: _Counting, until: float
) -> None:
    await asyncio.gather(*(_sign(client, name, counting, until) for _ in range(size)))
