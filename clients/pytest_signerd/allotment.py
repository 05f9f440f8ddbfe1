"""Which customers belong to which test: always the same ones, and nobody else's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

BLOCK: Final = 50


@dataclass(frozen=True, slots=True)
class Allotment:
    """Numbers start to start + count - 1 of the customer generator."""

    start: int
    count: int


def allot(wanted: Mapping[str, int], limit: int) -> dict[str, Allotment]:
    """Give each test, by id, so many customers of `limit`.

    A test's place follows from its id, so that it has the same customers whichever other tests
    run, in whichever order and process; only where two meet, the later by name moves on. Raises
    ValueError when there are not enough.
    """
    taken: set[int] = set()
    return {test: _place(test, wanted[test], limit // BLOCK, taken) for test in sorted(wanted)}


def _place(test: str, count: int, blocks: int, taken: set[int]) -> Allotment:
    needed = -(-count // BLOCK)
    for start in _starts(crc32(test.encode()) % blocks, blocks):
        block = range(start, start + needed)
        if block.stop <= blocks and taken.isdisjoint(block):
            taken.update(block)
            return Allotment(start * BLOCK, count)
    raise ValueError(
        f"{test} wants {count} customers, and of {blocks * BLOCK} not so many are left in one row;"
        " run fewer tests at once, or let tests ask for fewer"
    )


def _starts(first: int, blocks: int) -> Iterator[int]:
    return ((first + step) % blocks for step in range(blocks))
