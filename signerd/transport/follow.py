"""Streams that follow the audit trail: begun at a position, polled for what comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from signerd.core.error import InvalidRequest

T = TypeVar("T")

BATCH: Final = 500
"""Most audit records read at once."""

_POLL_S: Final = 0.25


async def follow(
    after_position: int,
    last_position: Callable[[], Awaitable[int]],
    read_after: Callable[[int], Awaitable[tuple[list[T], int]]],
) -> AsyncIterator[T]:
    """What comes after a position of the request, for ever; -1 is the last one there is.

    read_after gives what comes next and the position it reaches: the one it was given when nothing
    has come. Raises InvalidRequest, and what the two raise.
    """
    if after_position < -1:
        raise InvalidRequest(
            "after_position: -1 for what is to come, 0 for everything, or a position",
            field="after_position",
        )
    position = await last_position() if after_position == -1 else after_position
    while True:
        items, reached = await read_after(position)
        for item in items:
            yield item
        if reached == position:
            await asyncio.sleep(_POLL_S)
        position = reached
