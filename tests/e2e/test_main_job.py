"""Issue, sign, reissue, revoke against a running daemon; openssl is the judge."""

import hashlib
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    KeyAlgorithm,
    RevocationReason,
)
from signerd_client.error import AlreadyExists, FailedPrecondition
from tests.e2e.openssl import verify_chain, verify_signature

_NAME = "홍길동()0089017202611220000001"
_SCHEMES = {
    KeyAlgorithm.RSA_2048_PKCS1_SHA256: "pkcs1-sha256",
    KeyAlgorithm.RSA_3072_PKCS1_SHA256: "pkcs1-sha256",
    KeyAlgorithm.RSA_4096_PKCS1_SHA256: "pkcs1-sha256",
    KeyAlgorithm.RSA_4096_PKCS1_SHA512: "pkcs1-sha512",
    KeyAlgorithm.RSA_2048_PSS_SHA256: "pss-sha256",
    KeyAlgorithm.RSA_3072_PSS_SHA256: "pss-sha256",
    KeyAlgorithm.RSA_4096_PSS_SHA256: "pss-sha256",
    KeyAlgorithm.RSA_4096_PSS_SHA512: "pss-sha512",
    KeyAlgorithm.EC_P256_SHA256: "ecdsa-sha256",
    KeyAlgorithm.EC_P384_SHA384: "ecdsa-sha384",
    KeyAlgorithm.ED25519: "ed25519",
}


def _issue(officer: Client, algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256_SHA256) -> Certificate:
    subscriber = f"cust-{uuid.uuid4().hex[:12]}"
    return officer.issue_certificate(subscriber, "personal", _NAME, key_algorithm=algorithm)


def test_every_algorithm_has_a_row() -> None:
    """A new algorithm cannot be added without a judgement by openssl."""
    assert set(_SCHEMES) == set(KeyAlgorithm)


@pytest.mark.parametrize("algorithm", list(_SCHEMES))
def test_a_key_of_each_kind_signs_what_openssl_verifies(
    algorithm: KeyAlgorithm, officer: Client, signer: Client, tmp_path: Path
) -> None:
    """Issued on the token, chain and signature accepted by openssl, changed data refused."""
    issued = _issue(officer, algorithm)
    assert verify_chain(tmp_path, issued.der, signer.get_ca_chain()).strip().endswith("OK")
    signed = signer.sign(issued.credential, data=b"order 1")
    assert signed.key_algorithm is algorithm
    assert signed.certificate == issued.name
    public = signer.get_public_key(issued.credential).pem
    scheme = _SCHEMES[algorithm]
    assert verify_signature(tmp_path, public, b"order 1", signed.signature, scheme)
    assert not verify_signature(tmp_path, public, b"order 2", signed.signature, scheme)
    assert signer.verify(signed.signature, credential=issued.credential, data=b"order 1").valid
    refused = signer.verify(signed.signature, certificate=issued.name, data=b"order 2")
    assert not refused.valid
    assert refused.explanation


def test_a_digest_gives_the_signature_of_its_data(
    officer: Client, signer: Client, tmp_path: Path
) -> None:
    """Callers that hash themselves get a signature over the same data."""
    issued = _issue(officer, KeyAlgorithm.RSA_2048_PKCS1_SHA256)
    data = "이체 1,000원".encode()
    by_digest = signer.sign(issued.credential, digest=hashlib.sha256(data).digest())
    assert by_digest.signature == signer.sign(issued.credential, data=data).signature
    public = signer.get_public_key(issued.credential).pem
    assert verify_signature(tmp_path, public, data, by_digest.signature, "pkcs1-sha256")


def test_the_holder_is_named_in_korean(officer: Client) -> None:
    """The name arrives unchanged in the certificate, as UTF8String."""
    issued = _issue(officer, KeyAlgorithm.RSA_2048_PKCS1_SHA256)
    parsed = x509.load_der_x509_certificate(issued.der)
    (name,) = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert name.value == _NAME
    assert "홍길동" in issued.subject


def test_a_csr_keeps_its_own_key(officer: Client, tmp_path: Path) -> None:
    """The certificate is for the CSR's key; nothing of it is on the token."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    issued = officer.issue_certificate(
        f"csr-{uuid.uuid4().hex[:8]}", "tls-client", "app server", csr=csr
    )
    assert issued.credential == ""
    assert issued.key_algorithm is None
    parsed = x509.load_der_x509_certificate(issued.der)
    assert parsed.public_key() == key.public_key()
    assert verify_chain(tmp_path, issued.der, officer.get_ca_chain()).strip().endswith("OK")
    with pytest.raises(FailedPrecondition) as refused:
        officer.reissue_certificate(issued.name)
    assert refused.value.reason == "CSR_CERTIFICATE"


def test_the_same_request_issues_once(officer: Client) -> None:
    """A retry returns the first certificate; other content under the same id is refused."""
    request_id = str(uuid.uuid4())
    subscriber = f"once-{uuid.uuid4().hex[:8]}"

    def issue(name: str) -> Certificate:
        return officer.issue_certificate(
            subscriber,
            "tls-client",
            name,
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            request_id=request_id,
        )

    first = issue("One")
    assert issue("One") == first
    with pytest.raises(AlreadyExists) as refused:
        issue("Two")
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert [one.name for one in officer.list_certificates(subscriber=subscriber)] == [first.name]


def test_validate_only_makes_nothing(officer: Client) -> None:
    """Everything is checked, and no certificate is there afterwards."""
    subscriber = f"dry-{uuid.uuid4().hex[:8]}"
    made = officer.issue_certificate(
        subscriber,
        "tls-client",
        "Dry",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
        validate_only=True,
    )
    assert made is None
    assert list(officer.list_certificates(subscriber=subscriber)) == []


def test_a_reissue_keeps_the_expiry_and_ends_the_old_key(
    officer: Client, signer: Client, tmp_path: Path
) -> None:
    """New key and serial, same holder and expiry; the old certificate is revoked, its key done."""
    old = _issue(officer, KeyAlgorithm.RSA_2048_PKCS1_SHA256)
    done = officer.reissue_certificate(old.name)
    new = done.certificate
    assert (new.subject, new.profile, new.subscriber) == (old.subject, old.profile, old.subscriber)
    assert new.not_after_time == old.not_after_time
    assert new.serial_number != old.serial_number
    assert new.credential != old.credential
    assert (new.replaces, done.replaced.replaced_by) == (old.name, new.name)
    assert done.replaced.state is CertificateState.REVOKED
    assert done.replaced.revocation is not None
    assert done.replaced.revocation.reason is RevocationReason.SUPERSEDED
    with pytest.raises(FailedPrecondition) as refused:
        signer.sign(old.credential, data=b"late")
    assert refused.value.reason == "CREDENTIAL_RETIRED"
    with pytest.raises(FailedPrecondition):
        officer.reissue_certificate(old.name)
    assert signer.sign(new.credential, data=b"on time").certificate == new.name
    ends = []
    for certificate in (old, new):
        path = tmp_path / "one.der"
        path.write_bytes(certificate.der)
        ends.append(
            subprocess.run(
                ["openssl", "x509", "-inform", "der", "-in", str(path), "-noout", "-enddate"],
                capture_output=True,
                check=True,
            ).stdout
        )
    assert ends[0] == ends[1]


def test_a_reissue_is_safe_to_repeat(officer: Client) -> None:
    """The same request returns the same new certificate, though the old one is revoked by then."""
    old = _issue(officer)
    request_id = str(uuid.uuid4())
    first = officer.reissue_certificate(old.name, request_id=request_id)
    again = officer.reissue_certificate(old.name, request_id=request_id)
    assert again == first


def test_a_revocation_is_for_good(officer: Client, signer: Client) -> None:
    """Reason and time are told; the key does not sign; repeating is safe, revoking twice is not."""
    issued = _issue(officer)
    signer.sign(issued.credential, data=b"before")
    request_id = str(uuid.uuid4())
    revoked = officer.revoke_certificate(
        issued.name, RevocationReason.KEY_COMPROMISE, request_id=request_id
    )
    assert revoked.state is CertificateState.REVOKED
    assert revoked.revocation is not None
    assert revoked.revocation.reason is RevocationReason.KEY_COMPROMISE
    with pytest.raises(FailedPrecondition):
        signer.sign(issued.credential, data=b"after")
    again = officer.revoke_certificate(
        issued.name, RevocationReason.KEY_COMPROMISE, request_id=request_id
    )
    assert again == revoked
    with pytest.raises(FailedPrecondition) as refused:
        officer.revoke_certificate(issued.name, RevocationReason.KEY_COMPROMISE)
    assert refused.value.reason == "CERTIFICATE_REVOKED"


def test_listings_filter_and_page(officer: Client) -> None:
    """By subscriber, state and expiry window; pages follow each other without gap or double."""
    subscriber = f"list-{uuid.uuid4().hex[:8]}"
    made = [
        officer.issue_certificate(
            subscriber, "tls-client", f"Number {number}", key_algorithm=KeyAlgorithm.EC_P256_SHA256
        )
        for number in range(5)
    ]
    officer.revoke_certificate(made[0].name, RevocationReason.UNSPECIFIED)

    def names(**where: object) -> list[str]:
        found = officer.list_certificates(subscriber=subscriber, page_size=2, **where)  # type: ignore[arg-type] # filters by name
        return [certificate.name for certificate in found]

    newest_first = [certificate.name for certificate in reversed(made)]
    assert names() == newest_first
    assert names(state=CertificateState.ACTIVE) == newest_first[:-1]
    assert names(state=CertificateState.REVOKED) == [made[0].name]
    assert names(state=CertificateState.EXPIRED) == []
    end = made[0].not_after_time
    assert names(expire_time_before=end - timedelta(days=1)) == []
    assert names(expire_time_from=end - timedelta(days=1)) == newest_first
