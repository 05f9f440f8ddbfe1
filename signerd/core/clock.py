"""Time as a parameter."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

_DURATION: Final = re.compile(r"(-?[0-9]{1,10})([dhms])")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_LONGEST: Final = timedelta(days=36_500)
_KOREA: Final = ZoneInfo("Asia/Seoul")

AHEAD: Final = timedelta(seconds=60)
"""What is recorded as happening further ahead than this was written by a clock that has been set
back since: the clocks of two machines do not differ so much, and no write waits so long."""


class Clock(Protocol):
    """Gives the time of day; always aware, always UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def korean_day(clock: Clock) -> date:
    """The day it is in Korea, where identity numbers and documents come from."""
    return korean_day_of(clock.now())


def korean_day_of(moment_utc: datetime) -> date:
    """The day it was in Korea at a moment."""
    return moment_utc.astimezone(_KOREA).date()


class OffsetClock:
    """The clock of the machine, set ahead, so that tests see expiry come."""

    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset


def clock_at(offset: timedelta) -> Clock:
    """A clock so far ahead of the machine's (behind it where negative)."""
    return OffsetClock(offset) if offset else SystemClock()


def parse_duration(text: str) -> timedelta:
    """A number and a unit, d, h, m or s, such as 200d; at most a hundred years, either way. Raises
    ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration; write a number and d, h, m or s, such as 200d")
    try:
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        duration = 2 * _LONGEST
    if abs(duration) > _LONGEST:
        raise ValueError(f"{text}: the longest is {_LONGEST.days}d")
    return duration
