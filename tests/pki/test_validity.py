"""Validity from now, and up to an expiry that is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.error import WrongState
from signerd.pki.validity import (
    renewal_opens,
    validity_at,
    validity_renewed,
    validity_until,
)
from tests.pki.software_authority import shipped

FAR = datetime(2090, 1, 1, tzinfo=UTC)
PERSONAL = shipped("personal")
TLS_CLIENT = shipped("tls-client")


def utc(text: str) -> datetime:
    """A moment in ISO 8601, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-03-01T14:59:59.9", "2026-02-28T15:00:00", "2027-02-28T14:59:59"),
        ("2026-03-01T15:00:00", "2026-03-01T15:00:00", "2027-03-01T14:59:59"),
        ("2027-12-31T16:00:00", "2027-12-31T15:00:00", "2028-12-30T14:59:59"),
    ],
)
def test_whole_korean_days(now: str, start: str, end: str) -> None:
    """From midnight of the Korean day of issue to the last second of the 365th day."""
    assert validity_at(PERSONAL, utc(now), FAR) == (utc(start), utc(end))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_now_always_lies_within(now: datetime) -> None:
    """Whatever the time of day, the certificate is valid now, in whole seconds, for its days."""
    for profile in (PERSONAL, TLS_CLIENT):
        start, end = validity_at(profile, now, FAR)
        assert start <= now < end
        assert start.microsecond == end.microsecond == 0
        assert end - start + timedelta(seconds=1) == timedelta(days=profile.validity.days)


def test_days_follow_the_zone_through_summer_time() -> None:
    """In a zone with summer time the end is its midnight too, though the days have 23 hours."""
    berlin = replace(
        PERSONAL, validity=replace(PERSONAL.validity, zone=ZoneInfo("Europe/Berlin"), days=90)
    )
    assert validity_at(berlin, utc("2026-01-15T12:00:00"), FAR) == (
        utc("2026-01-14T23:00:00"),
        utc("2026-04-14T21:59:59"),
    )


def test_back_dating_keeps_the_length() -> None:
    """tls-client begins five minutes early and ends as much earlier."""
    assert validity_at(TLS_CLIENT, utc("2026-01-01T00:00:00.5"), FAR) == (
        utc("2025-12-31T23:55:00"),
        utc("2026-03-31T23:54:59"),
    )


def test_no_certificate_outlives_its_issuer() -> None:
    """A period that ends after the issuer's is refused; one that ends with it is not."""
    now = utc("2026-03-01T00:00:00")
    end = utc("2027-02-28T14:59:59")
    assert validity_at(PERSONAL, now, end)[1] == end
    with pytest.raises(WrongState, match="renew the CA") as caught:
        validity_at(PERSONAL, now, end - timedelta(seconds=1))
    assert caught.value.reason == "ISSUER_EXPIRES_FIRST"


def test_reissue_keeps_the_expiry() -> None:
    """A replacement begins today and ends to the second when the old one would have."""
    old_end = utc("2026-08-31T14:59:59")
    assert validity_until(PERSONAL, utc("2026-03-01T01:00:00"), old_end) == (
        utc("2026-02-28T15:00:00"),
        old_end,
    )


def test_an_expired_certificate_is_not_replaced() -> None:
    """At its last second it is too late."""
    end = utc("2026-08-31T14:59:59")
    with pytest.raises(WrongState) as caught:
        validity_until(PERSONAL, end, end)
    assert caught.value.reason == "CERTIFICATE_EXPIRED"


def test_renewal_adds_one_period_to_the_expiry() -> None:
    """A renewed certificate begins today and ends one period after the old one, to the day."""
    old_end = utc("2026-08-31T14:59:59")
    assert validity_renewed(PERSONAL, utc("2026-08-11T01:00:00"), old_end, FAR) == (
        utc("2026-08-10T15:00:00"),
        utc("2027-08-31T14:59:59"),
    )
    assert validity_renewed(TLS_CLIENT, utc("2026-08-11T01:00:00"), old_end, FAR) == (
        utc("2026-08-11T00:55:00"),
        old_end + timedelta(days=90),
    )


def test_a_renewed_certificate_does_not_outlive_its_issuer() -> None:
    """It is refused, not shortened."""
    old_end = utc("2026-08-31T14:59:59")
    with pytest.raises(WrongState) as caught:
        validity_renewed(PERSONAL, utc("2026-08-11T01:00:00"), old_end, utc("2027-08-31T14:59:58"))
    assert caught.value.reason == "ISSUER_EXPIRES_FIRST"


def test_renewal_opens_with_a_day() -> None:
    """Thirty days ahead, at midnight where days are whole; or as many as the profile says."""
    end = utc("2026-08-31T14:59:59")
    assert renewal_opens(PERSONAL, end) == utc("2026-07-31T15:00:00")
    assert renewal_opens(TLS_CLIENT, end) == utc("2026-08-01T14:59:59")
    soon = replace(PERSONAL, validity=replace(PERSONAL.validity, renewal_window_days=7))
    assert renewal_opens(soon, end) == utc("2026-08-23T15:00:00")
