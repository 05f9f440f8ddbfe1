"""Which tokens to open, and with which PIN."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from signerd.core.lifecycle import TokenPurpose
from signerd.core.value import TokenRef


@dataclass(frozen=True, slots=True)
class TokenSpec:
    """A token, or with is_prefix every token whose label begins so.

    serial: None when any will do. pin: gives the user PIN, asked for at each login, so that a
    changed PIN file counts.
    """

    purpose: TokenPurpose
    label: str
    serial: str | None
    is_prefix: bool
    pin: Callable[[], str] = field(repr=False)

    def matches(self, token: TokenRef) -> bool:
        """True when the token is meant."""
        named = token.label.startswith(self.label) if self.is_prefix else token.label == self.label
        return named and self.serial in (None, token.serial)


class Report(Protocol):
    """Takes an event for the log: a dotted name and its fields, which hold no secrets."""

    def __call__(self, event: str, fields: Mapping[str, str]) -> None: ...


def unreported(event: str, fields: Mapping[str, str]) -> None:
    """A Report that goes nowhere, for programs that print their own findings."""
    del event, fields
