"""Private daemons that are copies of one."""

from dataclasses import replace
from pathlib import Path

import pytest

from signerd_harness.private_daemon import DaemonSize, make_daemon
from signerd_harness.state_template import TEMPLATE_VARIABLE
from tests.e2e.state import short_directory

_SMALL = DaemonSize(fronts=1, hosts=1)
_CA = Path("tls") / "ca.pem"


def test_copies_are_whole_and_have_addresses_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same CA, and doctor finds nothing wrong with tokens, keys and database of a copy; a
    daemon with publisher has a CA of its own, whose certificates name that publisher."""
    with (
        short_directory() as template,
        short_directory() as first,
        short_directory() as second,
        short_directory() as own,
    ):
        monkeypatch.setenv(TEMPLATE_VARIABLE, str(template))
        made = [make_daemon(place, _SMALL) for place in (first, second)]
        assert (first / _CA).read_bytes() == (second / _CA).read_bytes()
        assert made[0].address != made[1].address
        configuration = made[1].configuration.read_text()
        assert made[1].address in configuration
        assert made[0].address not in configuration
        assert str(template) not in (second / "softhsm2.conf").read_text()
        checked = made[1].run("doctor")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        make_daemon(own, replace(_SMALL, publisher=True))
        assert (own / _CA).read_bytes() != (first / _CA).read_bytes()


def test_without_a_template_each_has_its_own_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """As users have it."""
    monkeypatch.delenv(TEMPLATE_VARIABLE, raising=False)
    with short_directory() as first, short_directory() as second:
        for place in (first, second):
            make_daemon(place, _SMALL)
        assert (first / _CA).read_bytes() != (second / _CA).read_bytes()
