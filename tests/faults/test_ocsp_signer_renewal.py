"""The keeper is killed while it renews the certificate of the OCSP signer."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.fault import FaultPoint
from signerd_client import Client
from tests.faults.fault_order import SETTINGS, FaultOrders
from tests.faults.scene import BACK_S, faulty_daemon, query, wait_until, wait_until_well

pytestmark = pytest.mark.long
_RENEWED = "authority.ocsp_signer_renewed"
_NEXT = "SELECT next_tbs FROM system_keys WHERE role = 'OCSP'"


def test_a_renewal_that_was_cut_off_is_completed() -> None:
    """Killed before the signature, its successor killed after it: the third one renews it. One
    certificate, for the same key, once on record; doctor and the auditor find nothing."""
    with faulty_daemon(DaemonSize(fronts=1, hosts=1, publisher=True), SETTINGS) as daemon:
        old = _stored(daemon)
        orders = FaultOrders(daemon)
        daemon.stop()
        _make_due(daemon)
        for point in (FaultPoint.KEEPER_SIGNER_RECORDED, FaultPoint.KEEPER_SIGNER_SIGNED):
            orders.give(point)
        daemon.start()
        assert orders.wait_taken(FaultPoint.KEEPER_SIGNER_RECORDED, BACK_S)
        ((recorded,),) = query(daemon, _NEXT)
        assert orders.wait_taken(FaultPoint.KEEPER_SIGNER_SIGNED, BACK_S)
        wait_until(lambda: _on_record(daemon), BACK_S, "the renewal is on record")
        wait_until_well(daemon)
        renewed = _stored(daemon)
        assert renewed.tbs_certificate_bytes == recorded
        assert renewed.public_key() == old.public_key()
        assert renewed.subject == old.subject
        assert renewed.not_valid_after_utc > datetime.now(UTC) + timedelta(days=80)
        assert _on_record(daemon) == [f"{renewed.serial_number:x}"]
        assert query(daemon, _NEXT) == [(None,)]
        for command in (("doctor",), ("audit", "verify")):
            done = daemon.run(*command)
            assert done.returncode == 0, done.stdout


def _stored(daemon: PrivateDaemon) -> x509.Certificate:
    ((der,),) = query(daemon, "SELECT certificate FROM system_keys WHERE role = 'OCSP'")
    return x509.load_der_x509_certificate(der)


def _on_record(daemon: PrivateDaemon) -> list[str]:
    """Serial numbers of the renewals, oldest first."""
    with Client(daemon.target("auditor")) as auditor:
        return [it.details["serial"] for it in auditor.list_audit_events(kind=_RENEWED)]


def _make_due(daemon: PrivateDaemon) -> None:
    """Put a certificate in its place that ended yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    ended = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, ended - timedelta(days=90), ended
    )
    der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    with closing(sqlite3.connect(daemon.directory / "signerd.db")) as store, store:
        store.execute("UPDATE system_keys SET certificate = ? WHERE role = 'OCSP'", (der,))
