"""Time as a parameter."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the time of day; always aware, always UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)
