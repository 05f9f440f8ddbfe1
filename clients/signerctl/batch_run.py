"""Issues to many customers at once, each call under way on its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from signerctl.customer import Customer
from signerd_client import Certificate, SignerdError
from signerd_client.error import ConnectionFailed

Ask = Callable[[Customer], Awaitable[Certificate]]
Settle = Callable[[Customer, Certificate | SignerdError], None]


async def issue_to_all(
    customers: Iterable[Customer], ask: Ask, settle: Settle, *, at_once: int
) -> None:
    """Ask for each customer's certificate, at most so many at once, and settle what comes of it.

    A refusal is one customer's matter. Raises ConnectionFailed when the daemon cannot be reached
    any more, which is everybody's; those who were being asked for are not settled then.
    """
    waiting = iter(customers)
    workers = [asyncio.create_task(_work(waiting, ask, settle)) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(waiting: Iterator[Customer], ask: Ask, settle: Settle) -> None:
    for customer in waiting:
        try:
            settle(customer, await ask(customer))
        except ConnectionFailed:
            raise
        except SignerdError as error:
            settle(customer, error)
