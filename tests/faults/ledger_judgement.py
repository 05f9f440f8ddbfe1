"""What was acknowledged, held against what the daemon says afterwards."""

from collections import Counter

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from examples.private_daemon import PrivateDaemon
from signerd_client import CertificateState, Client
from tests.faults.judgement import judge_audit, judge_certificates, judge_keys, judge_tokens
from tests.faults.load import Ledger

_SHA256 = utils.Prehashed(hashes.SHA256())


def judge_ledger(daemon: PrivateDaemon, ledger: Ledger) -> None:
    """Everything acknowledged is in the store, once; keys sign or are refused as they should;
    signatures verify and are on record; tokens hold what they should; the chains are whole."""
    stored = judge_certificates(daemon)
    acknowledged = {it.name: it for it in ledger.certificates}
    assert len(acknowledged) == len(ledger.certificates)
    for name, certificate in acknowledged.items():
        assert stored[name].der == certificate.der
    for old, new in ledger.reissued:
        assert stored[old].state is CertificateState.REVOKED
        assert stored[old].replaced_by == new.name
    judge_keys(daemon, stored.values())
    _judge_signatures(ledger)
    _judge_record(daemon, ledger)
    judge_tokens(daemon)
    judge_audit(daemon)


def _judge_signatures(ledger: Ledger) -> None:
    keys = {
        it.credential: x509.load_der_x509_certificate(it.der).public_key()
        for it in ledger.certificates
    }
    for signed in ledger.signatures:
        key = keys[signed.credential]
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, signed.digest, ec.ECDSA(_SHA256))
        else:
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(signed.signature, signed.digest, padding.PKCS1v15(), _SHA256)


def _judge_record(daemon: PrivateDaemon, ledger: Ledger) -> None:
    with Client(daemon.target("auditor"), timeout_s=60) as auditor:
        recorded = Counter(
            (event.resource, event.details["digest"])
            for event in auditor.list_audit_events(kind="signature.created", page_size=1000)
        )
    acknowledged = Counter((it.credential, f"sha256:{it.digest.hex()}") for it in ledger.signatures)
    missing = acknowledged - recorded
    assert not missing, f"{missing.total()} acknowledged signatures are not on record"
