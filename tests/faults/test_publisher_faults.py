"""What relying parties see when the keeper, the publisher or the token fails."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.fault import FaultPoint
from signerd_client import Certificate, Client, RevocationReason
from signerd_client.server import AuditEvent
from tests.faults.fault_order import SETTINGS, FaultOrders
from tests.faults.judgement import judge_audit
from tests.faults.scene import (
    BACK_S,
    faulty_daemon,
    is_replaced,
    issue,
    log_entries,
    process_named,
    query,
    wait_until,
    wait_until_well,
)
from tests.publisher.relying_party import RelyingParty
from tests.publisher.test_crl import number_of, reason_in

pytestmark = pytest.mark.long

STATUS_POINTS: Final = (
    FaultPoint.KEEPER_BEFORE_CRL,
    FaultPoint.KEEPER_CRL_OPENED,
    FaultPoint.KEEPER_CRL_SIGNED,
    FaultPoint.STORE_CRL_UNCOMMITTED,
    FaultPoint.KEEPER_CRL_SAVED,
    FaultPoint.KEEPER_OCSP_SIGNED,
)
_TRY_LATER: Final = bytes.fromhex("30030a0103")


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """With fault points armed."""
    with faulty_daemon(DaemonSize(fronts=1, hosts=1, publisher=True), SETTINGS) as running:
        yield running


@pytest.fixture
def party(daemon: PrivateDaemon, tmp_path: Path) -> RelyingParty:
    """Files in a directory of the test."""
    found = RelyingParty(daemon.publisher_url, tmp_path)
    wait_until(lambda: _is_served(found), BACK_S, "the publisher serves CRLs")
    return found


def _is_served(party: RelyingParty) -> bool:
    try:
        return party.ask("/healthz").status == 200
    except OSError:
        return False


def _revoke(officer: Client) -> Certificate:
    return officer.revoke_certificate(issue(officer).name, RevocationReason.KEY_COMPROMISE)


def _await_in_crls(party: RelyingParty, certificate: Certificate) -> None:
    """In the full and in the delta CRL, and openssl says so."""
    for name in ("issuing", "issuing-delta"):
        wait_until(
            lambda name=name: reason_in(party.crl(name), certificate) == "keyCompromise",  # type: ignore[misc]
            2 * BACK_S,
            f"the {name} CRL shows it",
        )
    assert number_of(party.crl()) >= certificate.crl_number
    assert "certificate revoked" in party.verify(certificate.der)


@pytest.mark.parametrize("point", STATUS_POINTS)
def test_a_keeper_that_dies_leaves_what_its_successor_completes(
    point: FaultPoint, daemon: PrivateDaemon, officer: Client, party: RelyingParty
) -> None:
    """SIGKILL at every step: the revocation is known by OCSP at once and is in the CRLs soon, the
    numbers rise, and each CRL is on record once."""
    orders = FaultOrders(daemon)
    before = number_of(party.crl())
    orders.give(point)
    revoked = _revoke(officer)
    assert ": revoked\n" in party.openssl_ocsp(revoked.der, "-no_nonce")
    assert orders.wait_taken(point, BACK_S)
    assert number_of(party.crl()) >= before
    _await_in_crls(party, revoked)
    recorded = [
        event.details["number"] for event in _events(daemon) if event.resource == "crls/issuing"
    ]
    assert len(set(recorded)) == len(recorded)
    assert str(number_of(party.crl())) in recorded
    judge_audit(daemon)


def _events(daemon: PrivateDaemon) -> list[AuditEvent]:
    with Client(daemon.target("auditor")) as auditor:
        return list(auditor.list_audit_events(kind="crl.issued", page_size=1000))


def test_a_publisher_that_dies_is_replaced(
    daemon: PrivateDaemon, officer: Client, party: RelyingParty
) -> None:
    """By one that serves the same CRL."""
    before = party.crl()
    process = process_named(daemon, "publisher")
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: is_replaced(daemon, process), BACK_S, "the publisher is replaced")
    wait_until(lambda: _is_served(party), BACK_S, "it serves")
    assert number_of(party.crl()) >= number_of(before)
    assert ": good\n" in party.openssl_ocsp(issue(officer).der)


def test_a_publisher_that_hangs_is_replaced(daemon: PrivateDaemon, party: RelyingParty) -> None:
    """SIGSTOP: the supervisor misses its sign of life."""
    process = process_named(daemon, "publisher")
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: is_replaced(daemon, process), BACK_S, "the publisher is replaced")
    wait_until(lambda: _is_served(party), BACK_S, "it serves")


def test_without_its_token_the_last_crl_is_served(
    daemon: PrivateDaemon, officer: Client, party: RelyingParty
) -> None:
    """OCSP answers what was signed ahead, and tryLater for the rest; the log says why there is no
    new CRL. Once the token is back a CRL shows what happened meanwhile."""
    certificate, other = issue(officer), issue(officer)
    sql = "SELECT count(*) FROM ocsp_responses WHERE certificate_id = ?"
    name = certificate.name.rpartition("/")[2]
    wait_until(lambda: query(daemon, sql, name) == [(1,)], BACK_S, "it is signed ahead")
    plain = party.ocsp_request(certificate.der, "-no_nonce")
    with_nonce = party.ocsp_request(certificate.der, "-nonce")
    away = daemon.directory / "softhsm.away"
    (daemon.directory / "softhsm").rename(away)
    try:
        revoked = officer.revoke_certificate(other.name, RevocationReason.KEY_COMPROMISE)
        wait_until(lambda: log_entries(daemon, "crl.failed"), BACK_S, "the log says it")
        assert number_of(party.crl()) < revoked.crl_number
        assert party.ask_ocsp(with_nonce).body == _TRY_LATER
        assert len(party.ask_ocsp(plain).body) > 500
    finally:
        away.rename(daemon.directory / "softhsm")
    _await_in_crls(party, revoked)
    (failed, *_) = log_entries(daemon, "crl.failed")
    assert failed["explanation"]
    wait_until_well(daemon)
