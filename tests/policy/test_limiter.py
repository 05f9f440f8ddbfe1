"""Rates and concurrency per principal."""

import pytest

from signerd.core.error import LimitExceeded
from signerd.policy.grant import Policy, RateOverride
from signerd.policy.limit import RPC_LIMITS, Limiter

SIGN = "/signerd.v1.Signing/Sign"
LIST = "/signerd.v1.CertificateAuthority/ListCertificates"
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"


class _SteppedClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _SteppedClock:
    """A monotonic clock that the test moves."""
    return _SteppedClock()


def _limited(clock: _SteppedClock, *rates: RateOverride, max_buckets: int = 100) -> Limiter:
    return Limiter(Policy(rates=rates), monotonic=clock, max_buckets=max_buckets)


def _admitted(limiter: Limiter, principal: str, rpc: str, calls: int) -> int:
    count = 0
    for _ in range(calls):
        try:
            limiter.admit(principal, rpc)
        except LimitExceeded:
            continue
        count += 1
    return count


def test_a_burst_then_the_rate(clock: _SteppedClock) -> None:
    """After a pause the burst is admitted at once, then as many as the rate allows."""
    limiter = _limited(clock, RateOverride("uri:a:b", SIGN, per_second=10, burst=5))

    assert _admitted(limiter, "uri:a:b", SIGN, 20) == 5
    clock.now += 0.35
    assert _admitted(limiter, "uri:a:b", SIGN, 20) == 3
    clock.now += 3600
    assert _admitted(limiter, "uri:a:b", SIGN, 20) == 5


def test_a_refusal_says_when_to_come_back(clock: _SteppedClock) -> None:
    """Waiting exactly as long as told is enough, a moment less is not."""
    limiter = _limited(clock, RateOverride("uri:a:b", SIGN, per_second=3, burst=1))
    limiter.admit("uri:a:b", SIGN)
    clock.now += 0.1

    with pytest.raises(LimitExceeded, match="3 times a second") as caught:
        limiter.admit("uri:a:b", SIGN)

    assert caught.value.reason == "RATE_LIMITED"
    wait = caught.value.retry_after_s
    assert wait is not None
    assert wait == pytest.approx(1 / 3 - 0.1)
    clock.now += wait - 0.001
    assert _admitted(limiter, "uri:a:b", SIGN, 1) == 0
    clock.now += 0.001
    assert _admitted(limiter, "uri:a:b", SIGN, 1) == 1


def test_principals_and_calls_do_not_share(clock: _SteppedClock) -> None:
    """One principal's calls of one RPC cost nobody else anything."""
    limiter = _limited(
        clock,
        RateOverride("*", SIGN, per_second=1, burst=2),
        RateOverride("*", LIST, per_second=1, burst=2),
    )

    assert _admitted(limiter, "dns:a", SIGN, 5) == 2
    assert _admitted(limiter, "dns:b", SIGN, 5) == 2
    assert _admitted(limiter, "dns:a", LIST, 5) == 2


def test_the_principals_own_rate_comes_before_everybodys(clock: _SteppedClock) -> None:
    """A rate for a named principal replaces the one for all."""
    limiter = _limited(
        clock,
        RateOverride("*", SIGN, per_second=1, burst=1),
        RateOverride("dns:a", SIGN, per_second=1, burst=7),
    )

    assert _admitted(limiter, "dns:a", SIGN, 20) == 7
    assert _admitted(limiter, "dns:b", SIGN, 20) == 1


def test_signing_is_unlimited_unless_the_policy_says_otherwise(clock: _SteppedClock) -> None:
    """By default one principal signs as fast as the token does; other calls have a rate."""
    limiter = _limited(clock)

    assert _admitted(limiter, "dns:a", SIGN, 20_000) == 20_000
    assert _admitted(limiter, "dns:a", LIST, 20_000) == RPC_LIMITS[LIST].burst


def test_the_longest_unused_principal_is_forgotten(clock: _SteppedClock) -> None:
    """Memory is bounded, and who calls all the time is not forgotten."""
    limiter = _limited(clock, RateOverride("*", SIGN, per_second=0.001, burst=1), max_buckets=3)
    for name in ("dns:a", "dns:b", "dns:c", "dns:d"):
        limiter.admit(name, SIGN)

    assert _admitted(limiter, "dns:d", SIGN, 1) == 0
    assert _admitted(limiter, "dns:a", SIGN, 1) == 1
    assert len(limiter._full_at) == 3


def test_concurrent_calls_are_bounded_and_given_back(clock: _SteppedClock) -> None:
    """No more calls run at once than the table says, and one that ends makes room."""
    limiter = _limited(clock)
    most = RPC_LIMITS[HEALTH_WATCH].max_concurrent
    places = [limiter.running("dns:a", HEALTH_WATCH) for _ in range(most)]
    for place in places:
        place.__enter__()

    with (
        pytest.raises(LimitExceeded, match=f"{most} calls") as caught,
        limiter.running("dns:a", HEALTH_WATCH),
    ):
        pytest.fail("admitted beyond the limit")
    assert caught.value.reason == "TOO_MANY_CONCURRENT_CALLS"
    assert caught.value.retry_after_s is not None
    with limiter.running("dns:b", HEALTH_WATCH):
        places.pop().__exit__(None, None, None)
    with limiter.running("dns:a", HEALTH_WATCH):
        pass
    for place in places:
        place.__exit__(None, None, None)
    assert not limiter._running


def test_a_failed_call_gives_its_place_back(clock: _SteppedClock) -> None:
    """An exception inside the call does not use up a place for good."""
    limiter = _limited(clock)

    with pytest.raises(OSError, match="broken"), limiter.running("dns:a", SIGN):
        raise OSError("broken")

    assert not limiter._running
