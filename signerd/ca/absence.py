"""Tokens that were out of service a moment ago."""

from collections.abc import Callable
from typing import Final

from signerd.core.value import TokenRef

_AVOIDED_S: Final = 10.0


class AbsentTokens:
    """Remembers for some seconds which tokens could not serve, so that not every key is tried on
    them first, and not every second. monotonic: seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[TokenRef, float] = {}

    def note(self, token: TokenRef) -> None:
        """The token could not serve just now."""
        self._until[token] = self._monotonic() + _AVOIDED_S

    def now(self) -> frozenset[TokenRef]:
        """The tokens to avoid."""
        now = self._monotonic()
        self._until = {token: until for token, until in self._until.items() if until > now}
        return frozenset(self._until)
