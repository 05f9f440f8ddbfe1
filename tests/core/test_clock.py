"""Clocks and durations."""

from datetime import UTC, datetime, timedelta

import pytest

from signerd.core.clock import clock_at, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("200d", timedelta(days=200)),
        ("36h", timedelta(hours=36)),
        ("-90m", timedelta(minutes=-90)),
        ("0s", timedelta()),
        ("3153600000s", timedelta(days=36_500)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    """A number and a unit, ahead or behind."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "d", "200", "1.5d", "1w", "1d2h", "+1d", " 1d", "\u0661d", "36501d", "9999999999d"]
)
def test_what_is_no_duration(text: str) -> None:
    """Anything else is refused, so that no test runs at a time it did not mean."""
    with pytest.raises(ValueError, match=r"no duration|longest"):
        parse_duration(text)


def test_a_clock_set_ahead() -> None:
    """It goes on with the machine's, so far ahead, in UTC."""
    offset = timedelta(days=200)
    before, now, after = datetime.now(UTC), clock_at(offset).now(), datetime.now(UTC)
    assert before + offset <= now <= after + offset
    assert now.tzinfo is UTC
