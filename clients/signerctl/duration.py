"""Lengths of time on the command line, and days as certificates count them."""

import re
from datetime import datetime, timedelta
from typing import Final

_FORM: Final = re.compile(r"([0-9]{1,4})([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_duration(text: str) -> timedelta:
    """A number of hours, days or weeks: 12h, 30d, 2w. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time: write 12h, 30d or 2w")
    return int(found[1]) * _UNITS[found[2]]


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days until a moment; negative once it has passed, 0 during its last day."""
    return (not_after - now) // timedelta(days=1)
