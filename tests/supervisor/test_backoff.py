"""Waiting before restarts."""

from signerd.supervisor.backoff import Backoff


def test_waits_double_up_to_ten_seconds() -> None:
    """The first restart is immediate, then half a second, doubling, ten seconds at most."""
    backoff = Backoff()

    waits = [backoff.delay_s(0.0) for _ in range(9)]

    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


def test_health_makes_the_next_failure_a_first_one() -> None:
    """Half a minute of health forgets earlier failures, less does not."""
    backoff = Backoff()
    for _ in range(4):
        backoff.delay_s(0.0)

    assert backoff.delay_s(29.9) == 4.0
    assert backoff.delay_s(30.0) == 0.0
    assert backoff.delay_s(0.0) == 0.5


def test_it_stays_bounded_for_ever() -> None:
    """Thousands of failures overflow nothing."""
    backoff = Backoff()

    assert [backoff.delay_s(0.0) for _ in range(5000)][-1] == 10.0
