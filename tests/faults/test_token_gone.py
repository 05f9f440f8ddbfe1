"""Tokens that go away while the daemon runs, and come back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.boot import ExitCode
from signerd_client import Client
from signerd_client.error import Unavailable
from tests.faults.scene import (
    BACK_S,
    PROMPT_S,
    faulty_daemon,
    issue,
    kill_hosts,
    refused_start,
    signs,
    token_directory,
    wait_until,
    wait_until_well,
)

pytestmark = pytest.mark.long

_GONE = {"TOKEN_UNAVAILABLE", "SESSION_LOST"}


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """One for all tests here: each puts back what it takes away."""
    with faulty_daemon(DaemonSize(fronts=2, hosts=2)) as running:
        yield running


@pytest.fixture
def away(daemon: PrivateDaemon) -> Iterator[Path]:
    """The directory to which the tokens are moved; they are back afterwards."""
    place = daemon.directory / "softhsm.away"
    yield place
    if place.exists():
        place.rename(daemon.directory / "softhsm")
    wait_until_well(daemon)


@pytest.fixture
def patient(daemon: PrivateDaemon) -> Iterator[Client]:
    """An officer who tries again, as callers do: right after a fault, one host may hide the tokens
    from another for the moment in which it logs in."""
    with Client(daemon.target("ra-officer"), timeout_s=60) as client:
        yield client


def refusal_of(signer: Client, credential: str) -> Unavailable:
    """How a key is refused whose token is gone; it must be told at once."""
    begin = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        signer.sign(credential, data=b"order")
    assert time.monotonic() - begin < PROMPT_S
    return refused.value


def test_service_resumes_when_the_tokens_are_back(
    daemon: PrivateDaemon, officer: Client, patient: Client, signer: Client, away: Path
) -> None:
    """While the token directory is gone every call that needs it is refused at once, with reason
    and a time to try again, and health says so; once it is back the same processes serve."""
    credential = issue(patient).credential
    before = daemon.processes()
    (daemon.directory / "softhsm").rename(away)
    for _ in range(10):
        refused = refusal_of(signer, credential)
        assert refused.reason in _GONE
        assert refused.retry_after_s
        assert "PIN" not in refused.message
    begin = time.monotonic()
    with pytest.raises(Unavailable) as not_issued:
        issue(officer)
    assert time.monotonic() - begin < PROMPT_S
    assert not_issued.value.retry_after_s
    wait_until(lambda: not signer.health().serving, BACK_S, "health says NOT_SERVING")
    away.rename(daemon.directory / "softhsm")
    wait_until(lambda: signs(signer, credential), BACK_S, "the key signs again")
    wait_until(lambda: signer.health().serving, BACK_S, "health says SERVING")
    assert issue(patient).credential
    assert daemon.processes() == before


def test_a_host_that_dies_meanwhile_is_replaced_by_one_that_says_why_it_cannot_serve(
    daemon: PrivateDaemon, patient: Client, signer: Client, away: Path
) -> None:
    """Hosts killed while the tokens are gone are replaced by hosts that refuse at once, and
    serve as soon as the tokens are there."""
    credential = issue(patient).credential
    (daemon.directory / "softhsm").rename(away)
    kill_hosts(daemon)
    with Client(daemon.target("operator")) as operator:
        wait_until(
            lambda: all(host.connected for host in operator.token_status().hosts),
            BACK_S,
            "the hosts are connected",
        )
    hosts = daemon.processes("host")
    for _ in range(10):
        refused = refusal_of(signer, credential)
        assert refused.reason in _GONE
        assert refused.retry_after_s
    wait_until(lambda: not signer.health().serving, BACK_S, "health says NOT_SERVING")
    away.rename(daemon.directory / "softhsm")
    wait_until(lambda: signs(signer, credential), BACK_S, "the key signs again")
    wait_until(lambda: signer.health().serving, BACK_S, "health says SERVING")
    assert daemon.processes("host") == hosts


def test_without_the_authority_token_the_daemon_is_not_healthy(
    daemon: PrivateDaemon, officer: Client, patient: Client, signer: Client
) -> None:
    """Nothing can be issued and health says so, while subscriber keys go on signing."""
    credential = issue(patient).credential
    place = token_directory(daemon, "signerd-authority")
    hidden = daemon.directory / "softhsm.authority"
    place.rename(hidden)
    try:
        wait_until(lambda: not signer.health().serving, BACK_S, "health says NOT_SERVING")
        with pytest.raises(Unavailable) as refused:
            issue(officer)
        assert "signerd-authority" in refused.value.message
        assert signs(signer, credential)
    finally:
        hidden.rename(place)
    wait_until_well(daemon)
    assert issue(patient).credential


def test_a_start_without_tokens_is_refused_in_one_line(daemon: PrivateDaemon, away: Path) -> None:
    """The exit code says that a token is missing, one line says which, nothing is restarted."""
    daemon.stop()
    (daemon.directory / "softhsm").rename(away)
    code, line = refused_start(daemon)
    assert code == ExitCode.TOKEN_MISSING
    assert line.startswith("signerd host-0: ")
    away.rename(daemon.directory / "softhsm")
    daemon.start()
