"""Until when a suspended certificate can be resumed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.ca.suspend import suspension_limit

_KOREA = ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    ("since", "limit"),
    [
        ("2026-03-01 00:00:00", "2026-09-01 23:59:59"),
        ("2026-03-01 23:59:59", "2026-09-01 23:59:59"),
        ("2026-08-31 09:00:00", "2027-02-28 23:59:59"),
        ("2027-08-31 09:00:00", "2028-02-29 23:59:59"),
        ("2026-07-01 09:00:00", "2027-01-01 23:59:59"),
        ("2026-06-30 09:00:00", "2026-12-30 23:59:59"),
    ],
)
def test_six_calendar_months_to_the_end_of_the_day(since: str, limit: str) -> None:
    """Korean days; where the month is too short, its last day."""
    began = datetime.fromisoformat(since).replace(tzinfo=_KOREA)
    assert suspension_limit(began.astimezone(UTC)) == datetime.fromisoformat(limit).replace(
        tzinfo=_KOREA
    )


@given(st.datetimes(datetime(2020, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_never_less_than_six_months_by_much(since: datetime) -> None:
    """Whatever the day, half a year, in UTC and at the last second of a Korean day."""
    limit = suspension_limit(since)
    assert timedelta(days=180) <= limit - since < timedelta(days=185)
    assert limit.tzinfo is UTC
    assert f"{limit:%H:%M:%S.%f}" == "14:59:59.000000"
