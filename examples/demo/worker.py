"""Client processes: each with connections of its own, as banking applications would be."""

import asyncio
import itertools
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from examples.demo.order import Customer, Order
from signerd_client import AsyncClient, Certificate, KeyAlgorithm, SignerdError, Target

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

PROCESSES: Final = 4
_AT_A_TIME: Final = 8
# More than fronts, so that every front is in use by somebody when it is killed.
_CONNECTIONS: Final = 4
_CALL_LIMIT_S: Final = 60.0
_PROFILE: Final = "personal"
_ALGORITHM: Final = KeyAlgorithm.RSA_2048_PKCS1_SHA256
_BANK: Final = "089"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Issued:
    """A customer's certificate, or the error that came instead."""

    subscriber: str
    certificate: Certificate | None
    error: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """An order and the credential of its debtor."""

    order: Order
    credential: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as acknowledged to client process `client_pid`, or the error."""

    instruction: Instruction
    signature: bytes
    error: str
    client_pid: int


class ClientProcesses:
    """A pool of client processes that share the work."""

    def __init__(self, pool: ProcessPoolExecutor, progress: "Synchronized[int]") -> None:
        self._pool = pool
        self._progress = progress

    @property
    def done(self) -> int:
        """Answers received by all processes since the pool was made."""
        return self._progress.value

    def issue(self, target: Target, customers: Sequence[Customer]) -> list[Issued]:
        """Ask for a certificate for each customer."""
        shares = [customers[start::PROCESSES] for start in range(PROCESSES)]
        return [
            issued
            for result in self._pool.map(_issue_share, [target] * PROCESSES, shares)
            for issued in result
        ]

    def start_signing(
        self, target: Target, instructions: Sequence[Instruction]
    ) -> Callable[[], list[Signed]]:
        """Begin to sign; calling the result waits for the end."""
        shares = [instructions[start::PROCESSES] for start in range(PROCESSES)]
        running = [self._pool.submit(_sign_share, target, share) for share in shares]
        return lambda: [signed for future in running for signed in future.result()]


@contextmanager
def client_processes() -> Iterator[ClientProcesses]:
    """Start the processes; they end with the block."""
    context = multiprocessing.get_context("spawn")
    progress = context.Value("l", 0)
    with ProcessPoolExecutor(PROCESSES, context, _share_progress, (progress,)) as pool:
        yield ClientProcesses(pool, progress)


_progress: "Synchronized[int] | None" = None


def _share_progress(progress: "Synchronized[int]") -> None:
    global _progress  # noqa: PLW0603 - how a pool hands shared memory to its processes
    _progress = progress


def _count() -> None:
    if _progress is not None:
        with _progress.get_lock():
            _progress.value += 1


def _issue_share(target: Target, customers: Sequence[Customer]) -> list[Issued]:
    async def issue(client: AsyncClient, customer: Customer) -> Issued:
        try:
            certificate = await client.issue_certificate(
                customer.subscriber,
                _PROFILE,
                _common_name(customer),
                key_algorithm=_ALGORITHM,
                email=customer.email,
            )
        except SignerdError as error:
            return Issued(customer.subscriber, None, str(error))
        return Issued(customer.subscriber, certificate, "")

    return asyncio.run(_each(target, customers, issue))


def _sign_share(target: Target, instructions: Sequence[Instruction]) -> list[Signed]:
    pid = os.getpid()

    async def sign(client: AsyncClient, instruction: Instruction) -> Signed:
        try:
            answer = await client.sign(instruction.credential, digest=instruction.order.digest)
        except SignerdError as error:
            return Signed(instruction, b"", str(error), pid)
        return Signed(instruction, answer.signature, "", pid)

    return asyncio.run(_each(target, instructions, sign))


async def _each(
    target: Target, items: Sequence[T], act: Callable[[AsyncClient, T], Awaitable[R]]
) -> list[R]:
    """Act on every item, some at a time, over several connections in turn; results in order."""
    places = asyncio.Semaphore(_AT_A_TIME)

    async def one(client: AsyncClient, item: T) -> R:
        async with places:
            result = await act(client, item)
        _count()
        return result

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                AsyncClient(target, timeout_s=_CALL_LIMIT_S, coalesce=False)
            )
            for _ in range(_CONNECTIONS)
        ]
        turns = zip(itertools.cycle(clients), items, strict=False)
        return await asyncio.gather(*(one(client, item) for client, item in turns))


def _common_name(customer: Customer) -> str:
    """Name and number as in a Korean joint certificate: bank, branch, day of issue in Korea,
    running number."""
    today = datetime.now(ZoneInfo("Asia/Seoul"))
    running = int(customer.subscriber.rpartition("-")[2])
    return f"{customer.name}()0{_BANK}{customer.branch_code}{today:%Y%m%d}{running:09}"
