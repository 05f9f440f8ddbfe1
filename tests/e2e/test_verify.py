"""Signing.Verify against a running daemon: whether a signature counts, and why not."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from examples.private_daemon import PrivateDaemon
from signerd.core.algorithm import KeyAlgorithm
from signerd_client import Certificate, CertificateState, Client, RevocationReason
from signerd_client.error import InvalidRequest, NotFound
from tests.pki.software_authority import SUBJECT, authority_for, prepare_for, shipped
from tests.pki.software_token import spki_for

ORDER = b"transfer 10,000"


@pytest.fixture
def supervisor(daemon: PrivateDaemon) -> Iterator[Client]:
    """Resumes what officers suspend."""
    with Client(daemon.target("ra-supervisor")) as client:
        yield client


def _issue(officer: Client) -> Certificate:
    return officer.issue_certificate(
        f"judged-{uuid.uuid4().hex[:12]}", "personal", "Hong", key_algorithm="EC_P256_SHA256"
    )


def _csr_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "host.bank.example")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_what_came_after_the_signature_does_not_harm_it(
    officer: Client, signer: Client, supervisor: Client, relying_party: Client
) -> None:
    """Now, a suspended and a revoked certificate's signature does not count; at the time it was
    made it does; while the certificate was on hold it does not, also long afterwards."""
    issued = _issue(officer)
    signature = signer.sign(issued.credential, data=ORDER).signature
    signed_at = datetime.now(UTC)
    held = officer.suspend_certificate(issued.name)
    assert held.suspension is not None
    on_hold = held.suspension.suspend_time

    def verify(moment: datetime | None) -> tuple[bool, tuple[str, ...]]:
        found = relying_party.verify(
            signature, certificate=issued.name, data=ORDER, verify_time=moment
        )
        assert found.signature_valid
        return found.valid, found.codes

    assert verify(None) == (False, ("CERTIFICATE_SUSPENDED",))
    assert verify(signed_at) == (True, ())
    supervisor.resume_certificate(issued.name)
    assert verify(None) == (True, ())
    assert verify(on_hold) == (False, ("CERTIFICATE_SUSPENDED",))
    officer.revoke_certificate(issued.name, RevocationReason.KEY_COMPROMISE)
    assert verify(None) == (False, ("CERTIFICATE_REVOKED",))
    assert verify(signed_at) == (True, ())
    assert verify(on_hold) == (False, ("CERTIFICATE_SUSPENDED",))
    before = issued.not_before_time - timedelta(seconds=1)
    assert verify(before) == (False, ("CERTIFICATE_NOT_YET_VALID",))


def test_the_answer_names_who_signed_and_where_the_certificate_stands(
    officer: Client, signer: Client, relying_party: Client
) -> None:
    """Subscriber, certificate, credential, algorithm, state and revocation are in the answer, and
    every problem, the wrong signature first."""
    issued = _issue(officer)
    signature = signer.sign(issued.credential, data=ORDER).signature
    revoked = officer.revoke_certificate(issued.name, RevocationReason.AFFILIATION_CHANGED)
    found = relying_party.verify(signature, certificate=issued.der, data=ORDER + b"0")
    assert (found.valid, found.signature_valid) == (False, False)
    assert found.codes == ("SIGNATURE_INVALID", "CERTIFICATE_REVOKED")
    assert "AFFILIATION_CHANGED" in found.explanation
    assert (found.subscriber, found.certificate) == (issued.subscriber, issued.name)
    assert (found.credential, found.key_algorithm) == (issued.credential, issued.key_algorithm)
    assert found.certificate_state is CertificateState.REVOKED
    assert found.revocation == revoked.revocation
    assert found.verify_time is not None


def test_keys_that_are_not_on_the_token_are_verified(
    officer: Client, relying_party: Client
) -> None:
    """A certificate issued for a CSR verifies by name and by its bytes. RSA has to say how it
    signed; one of two paddings is right."""
    host = "host.bank.example"
    ec_key = ec.generate_private_key(ec.SECP256R1())
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    by_ec, by_rsa = (
        officer.issue_certificate(
            "judged-hosts", "tls-client", host, dns_names=[host], csr=_csr_of(key)
        )
        for key in (ec_key, rsa_key)
    )
    signature = ec_key.sign(ORDER, ec.ECDSA(hashes.SHA256()))
    for named in (by_ec.name, by_ec.der):
        found = relying_party.verify(signature, certificate=named, data=ORDER)
        assert (found.valid, found.credential, found.certificate) == (True, "", by_ec.name)
    signature = rsa_key.sign(ORDER, padding.PKCS1v15(), hashes.SHA256())
    for algorithm, is_valid in (("RSA_2048_PKCS1_SHA256", True), ("RSA_2048_PSS_SHA256", False)):
        found = relying_party.verify(
            signature, certificate=by_rsa.name, data=ORDER, key_algorithm=algorithm
        )
        assert found.valid is is_valid
    wrong: tuple[tuple[str | None, str], ...] = (
        (None, "KEY_ALGORITHM_MISSING"),
        ("RSA_3072_PKCS1_SHA256", "KEY_ALGORITHM_MISMATCH"),
    )
    for named_algorithm, reason in wrong:
        with pytest.raises(InvalidRequest) as refused:
            relying_party.verify(
                signature, certificate=by_rsa.name, data=ORDER, key_algorithm=named_algorithm
            )
        assert refused.value.reason == reason


def test_strangers_are_told_apart(officer: Client, signer: Client, relying_party: Client) -> None:
    """Another CA's certificate is answered with what is wrong with it; a number that was never
    issued, junk, the wrong algorithm and the future are refused."""
    algorithm = KeyAlgorithm.EC_P256_SHA256
    other = authority_for(algorithm)
    stranger = other.certify(prepare_for(other, shipped("personal"), SUBJECT, spki_for(algorithm)))
    found = relying_party.verify(b"0", certificate=stranger, data=ORDER)
    assert set(found.codes) == {"SIGNATURE_INVALID", "CHAIN_INVALID", "CERTIFICATE_UNKNOWN"}
    assert (found.certificate, found.certificate_state) == ("", None)
    with pytest.raises(NotFound):
        relying_party.verify(b"0", certificate="abcd", data=ORDER)
    with pytest.raises(InvalidRequest) as refused:
        relying_party.verify(b"0", certificate=b"junk", data=ORDER)
    assert refused.value.reason == "CERTIFICATE_UNREADABLE"
    issued = _issue(officer)
    with pytest.raises(InvalidRequest) as refused:
        signer.verify(b"0", credential=issued.credential, data=ORDER, key_algorithm="ED25519")
    assert refused.value.reason == "KEY_ALGORITHM_MISMATCH"
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(InvalidRequest) as refused:
        signer.verify(b"0", credential=issued.credential, data=ORDER, verify_time=ahead)
    assert refused.value.reason == "VERIFY_TIME_AHEAD"
