"""Failures in a row and what follows: one way of counting for passwords and codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signerd.core.error import InvalidRequest, LimitExceeded, SignerdError
from signerd.core.evidence import Failures

_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class LockoutRule:
    """max_failures in a row lock for lock_s seconds; as many more, without a success, for twice
    as long, up to longest_s."""

    max_failures: int = 5
    lock_s: int = 600
    longest_s: int = 86_400


DEFAULT_LOCKOUT: Final = LockoutRule()


def after_failure(failures: Failures, rule: LockoutRule, now_utc: datetime) -> Failures:
    """One failure more, which may lock. A success starts again from Failures()."""
    count = failures.count + 1
    if count % rule.max_failures:
        return Failures(count)
    doublings = min(count // rule.max_failures - 1, _MOST_DOUBLINGS)
    lock_s = min(rule.lock_s << doublings, rule.longest_s)
    return Failures(count, now_utc + timedelta(seconds=lock_s))


def is_locked(failures: Failures, now_utc: datetime) -> bool:
    """Whether tries are refused unseen."""
    return failures.release_utc is not None and now_utc < failures.release_utc


def locked_refusal(failures: Failures, what: str, now_utc: datetime) -> LimitExceeded | None:
    """LOCKED_OUT with the time of release (also as metadata `release_time`, RFC 3339) where tries
    are refused. what: for example "the password"."""
    release_utc = failures.release_utc
    if release_utc is None or now_utc >= release_utc:
        return None
    # Rounded up, so that who waits as told is let in.
    shown = release_utc + timedelta(microseconds=-release_utc.microsecond % 1_000_000)
    return LimitExceeded(
        f"{what} failed {failures.count} times in a row and is locked until "
        f"{shown:%Y-%m-%d %H:%M:%S} UTC; try again after that",
        reason="LOCKED_OUT",
        metadata={"release_time": f"{shown:%Y-%m-%dT%H:%M:%SZ}"},
        retry_after_s=(shown - now_utc).total_seconds(),
    )


def wrong_refusal(
    failures: Failures, rule: LockoutRule, what: str, now_utc: datetime, *, reason: str, field: str
) -> SignerdError:
    """What the caller gets after a failure, which failures already counts: that it was wrong and
    how many tries are left, or that it locked."""
    if locked := locked_refusal(failures, what, now_utc):
        return locked
    left = rule.max_failures - failures.count % rule.max_failures
    return InvalidRequest(
        f"{what} is wrong; {left} {'try is' if left == 1 else 'tries are'} left before it is "
        "locked for some time",
        reason=reason,
        metadata={"tries_left": str(left)},
        field=field,
    )
