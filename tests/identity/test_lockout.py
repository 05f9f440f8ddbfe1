"""Counting of failures."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from signerd.core.error import InvalidRequest, LimitExceeded
from signerd.core.evidence import Failures
from signerd.identity.lockout import (
    LockoutRule,
    after_failure,
    is_locked,
    locked_refusal,
    wrong_refusal,
)
from tests.identity.scene import NOW, after

RULE = LockoutRule(max_failures=5, lock_s=600, longest_s=2000)


def failed(times: int, failures: Failures = Failures()) -> Failures:  # noqa: B008 - immutable
    for _ in range(times):
        failures = after_failure(failures, RULE, NOW)
    return failures


def test_the_fifth_failure_in_a_row_locks() -> None:
    """Four failures leave the way open, the fifth closes it for the time of the rule."""
    assert not is_locked(failed(4), NOW)
    assert failed(5).release_utc == after(600)
    assert is_locked(failed(5), after(599))
    assert not is_locked(failed(5), after(600))


def test_each_further_lock_is_twice_as_long() -> None:
    """Who goes on guessing after the release waits longer, up to the longest time."""
    assert failed(10).release_utc == after(1200)
    assert failed(15).release_utc == after(2000)
    assert failed(5000).release_utc == after(2000)


def test_a_lock_names_the_time_of_release() -> None:
    """Message, metadata and retry delay tell the caller when, rounded up to the second."""
    failures = Failures(5, after(59.25))
    refusal = locked_refusal(failures, "the password", NOW)

    assert isinstance(refusal, LimitExceeded)
    assert refusal.reason == "LOCKED_OUT"
    assert refusal.message == (
        "the password failed 5 times in a row and is locked until 2026-11-24 03:01:00 UTC; "
        "try again after that"
    )
    assert refusal.metadata == {"release_time": "2026-11-24T03:01:00Z"}
    assert refusal.retry_after_s == 60
    assert locked_refusal(failures, "the password", after(60)) is None


def test_a_failure_tells_how_many_tries_are_left() -> None:
    """Before the lock the caller sees the tries left, at the lock the time of release."""
    texts = []
    for times in range(1, 6):
        refusal = wrong_refusal(failed(times), RULE, "the code", NOW, reason="X", field="code")
        texts.append(refusal.metadata.get("tries_left"))
        assert isinstance(refusal, LimitExceeded if times == 5 else InvalidRequest)
        assert refusal.reason == ("LOCKED_OUT" if times == 5 else "X")
    assert texts == ["4", "3", "2", "1", None]


@given(st.integers(1, 20), st.integers(1, 10_000), st.integers(0, 10**6))
def test_no_number_of_failures_overruns_the_longest_lock(
    most: int, lock_s: int, count: int
) -> None:
    """However often it failed, the release lies within the longest lock."""
    rule = LockoutRule(most, lock_s, longest_s=86_400)
    release = after_failure(Failures(count), rule, NOW).release_utc
    assert (release is not None) == ((count + 1) % most == 0)
    assert release is None or NOW < release <= NOW + timedelta(days=1)
