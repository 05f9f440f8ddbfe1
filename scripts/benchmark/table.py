"""Tables of results."""

from typing import Final

from rich.table import Table

from scripts.benchmark.softhsm import KeyKind

KEYS: Final = {KeyKind.RSA_2048: "RSA-2048", KeyKind.P_256: "P-256"}


def new_table(title: str, *columns: str) -> Table:
    """The first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def numbers(*values: float) -> tuple[str, ...]:
    """Without fractions."""
    return tuple(f"{value:,.0f}" for value in values)
