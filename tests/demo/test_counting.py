from collections import Counter
from collections.abc import Callable
from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console

from examples.demo.audit import Recorded
from examples.demo.disruption import Kill
from examples.demo.reissue import Refusals
from examples.demo.report import Report
from examples.demo.scenario import Totals
from examples.demo.worker import Signed
from examples.private_daemon import DaemonProcess

SignOrder = Callable[[rsa.RSAPrivateKey, str, str], Signed]


def test_a_credential_counts_as_refused_only_when_every_front_refused_it() -> None:
    """One front that was not met, or that still signs, keeps a credential off the count."""
    refusals = Refusals(frozenset({11, 12}), {"a": {11, 12}, "b": {11}, "c": set()})
    assert refusals.refused_by_all == ["a"]


def test_a_signature_without_its_record_is_missing(
    new_key: Callable[[], rsa.RSAPrivateKey], sign_order: SignOrder
) -> None:
    """A record of the same order by another credential does not stand in for it."""
    key = new_key()
    kept, lost = sign_order(key, "credentials/1", "A"), sign_order(key, "credentials/2", "A")
    digest = f"sha256:{kept.instruction.order.digest.hex()}"
    recorded = Recorded(Counter({("credentials/1", digest): 1}), Counter())
    assert recorded.missing([kept, lost]) == [lost]


@pytest.mark.parametrize(("answered", "good"), [(0, False), (1, True), (9, True), (10, False)])
def test_a_kill_counts_only_in_the_middle_of_the_work(answered: int, good: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Killing before the first answer or after the last shows nothing."""
    assert Kill(DaemonProcess("host-0", 1, "host"), answered, 10).was_in_the_middle is good


def test_a_count_that_is_off_fails_the_demo() -> None:
    """The report remembers what did not hold, by name."""
    report = Report(Console(file=StringIO()))
    report.counted("orders signed", 1000, 1000)
    assert report.failed == []
    report.counted("orders signed", 999, 1000)
    assert report.failed == ["orders signed: 999 of 1000"]


def test_the_last_line_shows_the_counted_numbers() -> None:
    """The line is made of the totals, none of them fixed."""
    totals = Totals(issued=1, signed=2, verified=3, reissued=4, refused=5, lost=6)
    assert totals.line() == ("demo: issued 1, signed 2, verified 3, reissued 4, refused 5, lost 6")
