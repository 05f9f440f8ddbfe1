"""Prints what happened, step by step."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.table import Table

_GOOD: Final = "[green]yes[/]"
_BAD: Final = "[bold red]NO[/]"


class Report:
    """The running report. Remembers whether everything held."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self.failed: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and tell how long it took."""
        self._console.rule(f"[bold]{title}", align="left")
        begin = time.monotonic()
        yield
        now = time.monotonic()
        self._console.print(
            f"[dim]{now - begin:.1f} s, {now - self._started:.1f} s since the beginning[/]"
        )

    def facts(self, facts: Mapping[str, object]) -> None:
        """A table of names and values."""
        table = Table(show_header=False, box=None)
        for name, value in facts.items():
            table.add_row(name, str(value))
        self._console.print(table)

    def counts(self, what: str, of: str, counter: Counter[str]) -> None:
        """A table of how many of what."""
        table = Table(what, of)
        for name, count in sorted(counter.items()):
            table.add_row(name, str(count))
        self._console.print(table)

    def rows(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table."""
        table = Table(*headings)
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def counted(self, what: str, count: int, expected: int) -> None:
        """A count that must be what is expected."""
        self.holds(f"{what}: {count} of {expected}", good=count == expected)

    def holds(self, what: str, *, good: bool) -> None:
        """Something that must be true."""
        self._console.print(f"{_GOOD if good else _BAD}  {what}", highlight=False)
        if not good:
            self.failed.append(what)

    def errors(self, errors: Sequence[str]) -> None:
        """The first few of the errors that clients saw, if any."""
        for error in errors[:5]:
            self._console.print(f"[red]{error}[/]")
