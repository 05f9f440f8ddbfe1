"""One daemon for the tests that leave it as they found it, and a relying party."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Client
from tests.e2e.waiting import wait_until
from tests.publisher.relying_party import RelyingParty

SUPERVISOR = """
[[grant]]
principal = "uri:spiffe://signerd.local/client/ra-officer"
role = "ra-supervisor"
"""


@pytest.fixture(scope="session")
def daemon() -> Iterator[PrivateDaemon]:
    """One front and one token host, whose officer may also take certificates off hold."""
    with private_daemon(
        DaemonSize(fronts=1, hosts=1, publisher=True), grants=SUPERVISOR
    ) as running:
        party = RelyingParty(running.publisher_url, running.directory)
        wait_until(lambda: _is_up(party), "the publisher answers")
        yield running


def _is_up(party: RelyingParty) -> bool:
    """With a delta CRL, which comes a moment after the first full one."""
    try:
        return all(party.ask(path).status == 200 for path in ("/healthz", "/crl/issuing-delta.crl"))
    except OSError:
        return False


@pytest.fixture
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Issues, suspends, resumes, revokes."""
    with Client(daemon.target("ra-officer")) as client:
        yield client


@pytest.fixture
def party(daemon: PrivateDaemon, tmp_path: Path) -> RelyingParty:
    """Files in a directory of the test."""
    return RelyingParty(daemon.publisher_url, tmp_path)
