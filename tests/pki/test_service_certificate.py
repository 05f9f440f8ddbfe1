"""Certificates of the daemon's own services, as openssl and pkilint see them."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError
from signerd.core.error import Internal, InvalidRequest
from signerd.pki.assembly import PreparedCertificate
from signerd.pki.profile_directory import service_profile, shipped_profiles
from signerd.pki.service_certificate import prepare_ocsp_signer, prepare_time_stamping
from tests.pki.judge import assert_openssl_verifies, assert_pkilint_clean, openssl_text
from tests.pki.software_authority import NOW, SERIAL, authority_for
from tests.pki.software_token import spki_for

EC = KeyAlgorithm.EC_P256_SHA256
ISSUER_ALGORITHMS = (EC, KeyAlgorithm.RSA_2048_PKCS1_SHA256, KeyAlgorithm.ED25519)


def ocsp_signer(
    issuer_algorithm: KeyAlgorithm = EC,
    algorithm: KeyAlgorithm = EC,
    *,
    now_utc: datetime = NOW,
    name: str = "테스트 OCSP",
) -> PreparedCertificate:
    """An OCSP signer for a week."""
    return prepare_ocsp_signer(
        authority_for(issuer_algorithm).issuer,
        algorithm,
        spki=spki_for(EC),
        serial=SERIAL + 9,
        now_utc=now_utc,
        days=7,
        name=name,
    )


@pytest.mark.parametrize("algorithm", ISSUER_ALGORITHMS)
def test_judges_accept_an_ocsp_signer(folder: Path, algorithm: KeyAlgorithm) -> None:
    """openssl verifies it, pkilint finds nothing, and nobody need ask about it."""
    authority = authority_for(algorithm)
    der = authority.certify(ocsp_signer(algorithm))
    assert_openssl_verifies(folder, authority, [der])
    assert_pkilint_clean(folder, der, authority.issuing)
    text = openssl_text(der)
    assert "Subject: C=KR, O=테스트은행, CN=테스트 OCSP\n" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature\n" in text
    assert "X509v3 Extended Key Usage: \n                OCSP Signing\n" in text
    assert "OCSP No Check: \n" in text
    assert "CA:FALSE\n" in text


@pytest.mark.parametrize("algorithm", ISSUER_ALGORITHMS)
def test_judges_accept_a_time_stamping_authority(folder: Path, algorithm: KeyAlgorithm) -> None:
    """openssl takes it for a time-stamping authority, and for nothing else."""
    authority = authority_for(algorithm)
    prepared = prepare_time_stamping(
        authority.issuer,
        EC,
        spki=spki_for(EC),
        serial=SERIAL + 9,
        now_utc=NOW,
        days=365,
        name="TSA",
    )
    der = authority.certify(prepared)
    assert_openssl_verifies(folder, authority, [der], purpose="timestampsign")
    with pytest.raises(AssertionError, match="purpose"):
        assert_openssl_verifies(folder, authority, [der], purpose="sslclient")
    assert_pkilint_clean(folder, der, authority.issuing)
    assert "X509v3 Extended Key Usage: critical\n                Time Stamping\n" in openssl_text(
        der
    )


def test_a_service_certificate_lasts_as_long_as_asked() -> None:
    """From five minutes ago for the given days, whatever the shipped file says."""
    der = authority_for(EC).certify(ocsp_signer())
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW - timedelta(minutes=5, seconds=1) + timedelta(7)


def test_a_service_certificate_ends_with_its_issuer() -> None:
    """In the issuer's last week the OCSP signer is cut short instead of refused."""
    authority = authority_for(EC)
    last_day = authority.issuer.not_after_utc - timedelta(days=1)
    certificate = x509.load_der_x509_certificate(authority.certify(ocsp_signer(now_utc=last_day)))
    assert certificate.not_valid_after_utc == authority.issuer.not_after_utc


def test_the_key_is_of_the_algorithm_named() -> None:
    """A key of another kind than the configured algorithm is not certified."""
    with pytest.raises(Internal) as caught:
        ocsp_signer(algorithm=KeyAlgorithm.ED25519)
    assert caught.value.reason == "KEY_ALGORITHM_MISMATCH"


def test_the_name_is_judged() -> None:
    """A configured name that no certificate may hold is refused."""
    with pytest.raises(InvalidRequest):
        ocsp_signer(name="a\u202eb")


def test_no_caller_is_offered_a_service_profile() -> None:
    """They are not among the files that init copies into the directory callers choose from."""
    for name, purpose in (
        ("ocsp-signer", ExtendedKeyUsageOID.OCSP_SIGNING),
        ("time-stamping", ExtendedKeyUsageOID.TIME_STAMPING),
    ):
        assert service_profile(name).extensions.extended_key_usage == (purpose,)
        assert f"{name}.toml" not in shipped_profiles()
    with pytest.raises(BootError, match="cannot be read"):
        service_profile("personal")
