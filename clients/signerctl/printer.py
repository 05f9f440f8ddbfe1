"""Writes answers to standard output: tables for people, JSON for programs.

Tables have no lines around them, so that they can be searched and cut; where the output is not a
terminal they are as wide as they need to be and nothing is folded.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from signerctl.document import to_json
from signerctl.view import Row

T = TypeVar("T")

_UNBOUNDED: Final = 100_000
_USUAL_WIDTH: Final = 80


class OutputFormat(StrEnum):
    """table is for people; json is one document, or one a line for lists and streams."""

    TABLE = "table"
    JSON = "json"


class Printer:
    """Writes in one format."""

    def __init__(self, output: OutputFormat) -> None:
        self._is_json = output is OutputFormat.JSON
        self._is_terminal = sys.stdout.isatty()
        self._console = Console(
            file=sys.stdout,
            width=None if self._is_terminal else _UNBOUNDED,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def is_json(self) -> bool:
        """True when programs read."""
        return self._is_json

    @property
    def width(self) -> int:
        """Cells in a line for what has to fit one; that of a usual terminal where there is none."""
        return self._console.width if self._is_terminal else _USUAL_WIDTH

    def one(self, value: T, lines: Callable[[T], Row]) -> None:
        """One value: a JSON document, or a labelled line for each field."""
        if self._is_json:
            self._write(to_json(value))
            return
        table = Table.grid(padding=(0, 2))
        for label, text in lines(value).items():
            table.add_row(Text(label, "bold"), Text(_visible(text), overflow="fold"))
        self._print(table)

    def many(self, values: Iterable[T], columns: Callable[[T], Row]) -> int:
        """A list: JSON lines as they come, or a table with a heading. Returns how many."""
        if self._is_json:
            count = 0
            for count, value in enumerate(values, 1):  # noqa: B007 - count is returned
                self._write(to_json(value))
            return count
        rows = [columns(value) for value in values]
        if rows:
            self._print(_table(rows))
        return len(rows)

    def stream(self, values: Iterable[T], columns: Callable[[T], Row]) -> None:
        """A stream: each value on its own line at once."""
        for value in values:
            if self._is_json:
                self._write(to_json(value))
            else:
                self._write("  ".join(_visible(text) for text in columns(value).values()).rstrip())
            sys.stdout.flush()

    def text(self, text: str) -> None:
        """Text as it is, such as PEM."""
        sys.stdout.write(text)

    def remark(self, text: str) -> None:
        """A remark where there is no value; JSON has an empty document for it."""
        self._write("{}" if self._is_json else text)

    def flush(self) -> None:
        """Write out what is buffered. Raises BrokenPipeError."""
        sys.stdout.flush()

    def _print(self, table: Table) -> None:
        if self._is_terminal:
            self._console.print(table)
            return
        with self._console.capture() as capture:
            self._console.print(table)
        for line in capture.get().splitlines():
            self._write(line.rstrip())

    def _write(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_visible(text), overflow="fold") for text in row.values()))
    return table


def _visible(text: str) -> str:
    """Control characters, which could command a terminal, are replaced."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
