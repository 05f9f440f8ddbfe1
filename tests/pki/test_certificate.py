"""Certificates as other programs see them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, InvalidRequest
from signerd.core.record import SubjectRecord
from signerd.core.value import serial_from
from signerd.pki.assembly import PreparedCertificate
from signerd.pki.certificate import (
    assemble_certificate,
    lint_tbs,
    message_to_sign,
    prepare_certificate,
)
from signerd.pki.certificate_policy import CertificatePolicy
from signerd.pki.issuer import IssuerInfo
from signerd.pki.profile import Profile
from tests.pki.judge import (
    assert_openssl_verifies,
    assert_pkilint_clean,
    lint_chain_codes,
    openssl,
    openssl_text,
)
from tests.pki.software_authority import (
    NOW,
    PUBLISHER,
    SERIAL,
    SUBJECT,
    Authority,
    authority_for,
    prepare_for,
    shipped,
)
from tests.pki.software_token import sign, spki_for

PROFILE_NAMES = ("personal", "corporate", "tls-client")
# One of each kind of subject key; padding and hash of a subject key leave no trace in its SPKI.
SUBJECT_KEYS = (
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.RSA_4096_PSS_SHA512,
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.EC_P384_SHA384,
    KeyAlgorithm.ED25519,
)
EC = KeyAlgorithm.EC_P256_SHA256


def everything_under(authority: Authority) -> Iterator[bytes]:
    """A certificate for every shipped profile and kind of subject key."""
    for profile in PROFILE_NAMES:
        for key in SUBJECT_KEYS:
            subject = SUBJECT
            if profile == "tls-client":
                subject = replace(subject, dns_names=("api.bank.example", "xn--9n2bp8q.example"))
            yield authority.certify(
                prepare_for(authority, shipped(profile), subject, spki_for(key))
            )


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_openssl_and_pkilint_accept_every_kind(folder: Path, algorithm: KeyAlgorithm) -> None:
    """Each profile and subject key under each issuer algorithm passes both judges."""
    authority = authority_for(algorithm)
    leaves = list(everything_under(authority))
    assert len(leaves) == 15
    assert_openssl_verifies(folder, authority, leaves)
    for leaf in leaves:
        assert_pkilint_clean(folder, leaf, authority.issuing)


def test_tls_client_certificates_serve_their_purpose(folder: Path) -> None:
    """openssl takes a tls-client certificate for a TLS client, and for no server."""
    authority = authority_for(EC)
    leaf = authority.certify(prepare_for(authority, shipped("tls-client"), SUBJECT, spki_for(EC)))
    assert_openssl_verifies(folder, authority, [leaf], purpose="sslclient")
    with pytest.raises(AssertionError, match="purpose"):
        assert_openssl_verifies(folder, authority, [leaf], purpose="sslserver")


def test_pkilint_misjudges_pss(folder: Path) -> None:
    """pkilint's chain linter refuses even openssl's own PSS signature, so its verdict on that one
    point is set aside; when this fails, the exception in judge.py can go."""
    made = folder / "pss.der"
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem"),
        *("-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"),
        *("-subj", "/C=KR/CN=x", "-outform", "DER", "-out", made),
    )
    assert lint_chain_codes(folder, made.read_bytes(), made.read_bytes()) == {
        "pkix.signature_verification_failed"
    }


def test_personal_certificate_holds_what_the_profile_says() -> None:
    """Every field and extension of a personal certificate is there with its criticality."""
    authority = authority_for(KeyAlgorithm.RSA_2048_PKCS1_SHA256)
    spki = spki_for(KeyAlgorithm.RSA_2048_PKCS1_SHA256)
    text = openssl_text(
        authority.certify(prepare_for(authority, shipped("personal"), SUBJECT, spki))
    )
    assert "Version: 3 (0x2)" in text
    assert text.count("Signature Algorithm: sha256WithRSAEncryption") == 2
    assert "Issuer: C=KR, O=테스트은행, CN=테스트 발급 인증기관" in text
    assert "Subject: C=KR, O=테스트은행, OU=personal, OU=강남지점, CN=홍길동" in text
    assert re.search(r"Not Before: .* 15:00:00 \d{4} GMT", text)
    assert re.search(r"Not After : .* 14:59:59 \d{4} GMT", text)
    assert re.findall(r"X509v3 ([^:]+): (critical)?", text) == [
        ("Authority Key Identifier", ""),
        ("Subject Key Identifier", ""),
        ("Key Usage", "critical"),
        ("Basic Constraints", "critical"),
        ("Subject Alternative Name", ""),
        ("CRL Distribution Points", ""),
    ]
    for place in ("/crl/issuing.crl", "/ocsp", "/ca/issuing.cer"):
        assert f"URI:{PUBLISHER}{place}\n" in text
    assert "Digital Signature, Non Repudiation\n" in text
    assert "CA:FALSE\n" in text
    assert "email:gildong@bank.example\n" in text


def full_profile() -> Profile:
    """A profile that uses every extension."""
    personal = shipped("personal")
    return replace(
        personal,
        extensions=replace(
            personal.extensions,
            policies=(
                CertificatePolicy(x509.ObjectIdentifier("1.2.3.4"), "https://pki.example.com/cps"),
            ),
            policies_critical=True,
            crl_uris=("http://pki.example.com/ca.crl",),
            ocsp_uris=("http://pki.example.com/ocsp",),
            ca_issuers_uris=("http://pki.example.com/ca.cer",),
        ),
    )


def test_policies_and_locations_are_written(folder: Path) -> None:
    """Critical policies, CRL, OCSP and CA issuer locations appear and both judges accept them.

    pkilint warns of every policy qualifier (RFC 5280, 4.2.1.4: only where needed)."""
    authority = authority_for(EC)
    leaf = authority.certify(prepare_for(authority, full_profile(), SUBJECT, spki_for(EC)))
    assert_openssl_verifies(folder, authority, [leaf])
    assert_pkilint_clean(folder, leaf, authority.issuing, severity="ERROR")
    text = openssl_text(leaf)
    assert "X509v3 Certificate Policies: critical\n" in text
    assert "Policy: 1.2.3.4\n" in text
    assert "CPS: https://pki.example.com/cps\n" in text
    assert "URI:http://pki.example.com/ca.crl\n" in text
    assert "OCSP - URI:http://pki.example.com/ocsp\n" in text
    assert "CA Issuers - URI:http://pki.example.com/ca.cer\n" in text


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_signed_is_what_was_linted(algorithm: KeyAlgorithm) -> None:
    """The final certificate holds exactly the prepared TBS bytes and the given signature."""
    authority = authority_for(algorithm)
    prepared = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC))
    signature = sign(algorithm, message_to_sign(prepared.tbs, algorithm), "issuing")
    final = x509.load_der_x509_certificate(
        assemble_certificate(prepared.tbs, authority.issuer, signature)
    )
    assert final.tbs_certificate_bytes == prepared.tbs
    assert final.signature == signature
    final.verify_directly_issued_by(x509.load_der_x509_certificate(authority.issuing))


def test_preparing_twice_gives_the_same_bytes() -> None:
    """Nothing of the throwaway key, and no chance, gets into the TBS bytes."""
    authority = authority_for(EC)
    first = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC))
    assert prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)) == first


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_a_wrong_signature_is_refused(algorithm: KeyAlgorithm) -> None:
    """A signature over other bytes, by another key, or of the right length and no meaning makes no
    certificate."""
    authority = authority_for(algorithm)
    tbs = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)).tbs
    good = sign(algorithm, message_to_sign(tbs, algorithm), "issuing")
    other_bytes = sign(algorithm, message_to_sign(tbs + b"x", algorithm), "issuing")
    other_key = sign(algorithm, message_to_sign(tbs, algorithm), "somebody")
    for wrong in (other_bytes, other_key, b"x" * len(good), b""):
        with pytest.raises(Internal) as caught:
            assemble_certificate(tbs, authority.issuer, wrong)
        assert caught.value.reason == "SIGNATURE_WRONG"


def test_recorded_bytes_are_linted_again() -> None:
    """Recorded TBS bytes pass unchanged, and are refused once their issuer or a byte changed."""
    authority = authority_for(EC)
    prepared = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC))
    assert lint_tbs(prepared.tbs, authority.issuer) == prepared
    other = authority_for(KeyAlgorithm.ED25519).issuer
    damaged = prepared.tbs.replace("홍길동".encode(), "홍길\u202e".encode())
    shorter = prepared.tbs[:-1]
    with pytest.raises(Internal, match="signature-algorithm"):
        lint_tbs(prepared.tbs, other)
    with pytest.raises(Internal, match="not DER") as caught:
        lint_tbs(shorter, authority.issuer)
    assert caught.value.reason == "LINT_FAILED"
    with pytest.raises(Internal, match="subject-name"):
        lint_tbs(damaged, authority.issuer)


def test_a_bad_subject_is_the_callers_fault() -> None:
    """prepare_certificate refuses a bad name as InvalidRequest, not as a lint failure."""
    with pytest.raises(InvalidRequest):
        prepare_for(authority_for(EC), shipped("personal"), SubjectRecord("a\u202eb"), spki_for(EC))


def test_an_outliving_certificate_fails_lint() -> None:
    """A certificate that would end after its issuer is stopped by lint."""
    authority = authority_for(EC)
    with pytest.raises(Internal, match="validity-period") as caught:
        prepare_certificate(
            shipped("personal"),
            authority.issuer,
            SUBJECT,
            spki=spki_for(EC),
            serial=SERIAL,
            not_before_utc=NOW,
            not_after_utc=authority.issuer.not_after_utc + timedelta(seconds=1),
        )
    assert caught.value.metadata == {"rules": "validity-period"}


@settings(max_examples=60, deadline=None)
@given(random=st.binary(min_size=20, max_size=20))
def test_every_reserved_serial_can_be_used(random: bytes) -> None:
    """Serials from any random bytes pass lint, have 20 octets and are read back the same."""
    authority = authority_for(EC)
    serial = serial_from(random)
    prepared = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC), serial)
    certificate = x509.load_der_x509_certificate(authority.certify(prepared))
    assert certificate.serial_number == serial
    assert len(serial.to_bytes(20, "big", signed=True)) == 20


NAMES = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.sampled_from("abcXYZ019()-.,+\"\\<>;=# '/&"),
    ),
    min_size=1,
    max_size=64,
).filter(lambda text: text == text.strip(" "))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(common_name=NAMES, unit=NAMES)
def test_any_permitted_name_passes_both_linters(folder: Path, common_name: str, unit: str) -> None:
    """Korean and awkward Latin names up to 64 characters give certificates pkilint accepts."""
    authority = authority_for(EC)
    subject = SubjectRecord(common_name, (unit,))
    leaf = authority.certify(prepare_for(authority, shipped("personal"), subject, spki_for(EC)))
    assert_pkilint_clean(folder, leaf, authority.issuing)


def test_an_issuer_must_be_usable() -> None:
    """A certificate without subjectKeyIdentifier, garbage, or another algorithm is no issuer."""
    authority = authority_for(EC)
    with pytest.raises(Internal) as caught:
        IssuerInfo(b"\x30\x00", EC)
    assert caught.value.reason == "ISSUER_UNUSABLE"
    with pytest.raises(Internal) as caught:
        IssuerInfo(authority.issuing, KeyAlgorithm.EC_P384_SHA384)
    assert caught.value.reason == "KEY_ALGORITHM_MISMATCH"


def test_prepared_certificates_name_their_signer() -> None:
    """What is prepared carries algorithm and key of who has to sign it."""
    authority = authority_for(EC)
    prepared = prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC))
    assert prepared == PreparedCertificate(prepared.tbs, EC, spki_for(EC, "issuing"))
