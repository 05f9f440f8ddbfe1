"""Bars in plain text, for any terminal and for files."""

import sys
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from signerctl.view import Row

_GAP: Final = 2
_NARROWEST: Final = 8
_WIDEST: Final = 60


def with_bars(rows: Sequence[Row], counts: Sequence[int], width: int) -> list[Row]:
    """The rows of a table with one more column: a bar for each count, the longest as long as the
    width, in cells, leaves room for. Without room there are no bars.

    A count that is not 0 has at least one mark.
    """
    taken = sum(
        max(cell_len(text) for text in (heading, *(row[heading] for row in rows))) + _GAP
        for heading in rows[0]
    )
    room = min(width - taken, _WIDEST)
    most = max(counts)
    if room < _NARROWEST or not most:
        return list(rows)
    mark = _mark()
    return [
        {**row, "": mark * -(-count * room // most)}
        for row, count in zip(rows, counts, strict=True)
    ]


def _mark() -> str:
    """A block where the output can have it."""
    try:
        "█".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return "#"
    return "█"
