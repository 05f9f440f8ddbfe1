"""NPKI certificates that a running daemon issued, from issue to reissue, before every judge:
openssl, pkilint, and pypinksign, which reads Korean certificates."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pypinksign  # type: ignore[import-untyped] # pypinksign has no types
import pytest
from pkilint.bin import lint_pkix_cert  # type: ignore[import-untyped] # pkilint has no types

from signerd_client import Certificate, Client, KeyAlgorithm
from tests.e2e.customer import Customer
from tests.pki.judge import lint_chain_codes, pkilint_codes
from tests.publisher.relying_party import RelyingParty, run
from tests.publisher.test_crl import await_number

_SEOUL = ZoneInfo("Asia/Seoul")
_POLICIES = {
    "npki-personal": "1.2.410.200005.1.1.1",
    "npki-personal-banking": "1.2.410.200005.1.1.4",
    "npki-corporate": "1.2.410.200005.1.1.5",
}
# RFC 6818, 3 allows the BMPString of all Korean certificates; pkilint goes by RFC 5280, 4.2.1.4.
_ALLOWED = {"pkix.rfc5280_certificate_policies_invalid_explicit_text_encoding"}


@pytest.fixture(params=_POLICIES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def issued(officer: Client, profile: str) -> Certificate:
    customer = Customer()
    return officer.issue_certificate(
        customer.subscriber,
        profile,
        customer.name,
        key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        branch="041",
        identity_number=customer.number,
    )


def test_readers_of_korean_certificates_read_it(issued: Certificate, profile: str) -> None:
    """pypinksign tells common name, policy, issuer and whole Korean days, one year of them."""
    read = pypinksign.PinkSign(pubkey_data=issued.der)
    start, end = (moment.astimezone(_SEOUL) for moment in read.valid_date())
    assert read.cn()[:-9] == f"홍길동()0089041{start:%Y%m%d}"
    assert read.cert_type_oid() == _POLICIES[profile]
    assert read.issuer() == "signerd test"
    assert (start, end) == (
        issued.not_before_time.astimezone(_SEOUL),
        issued.not_after_time.astimezone(_SEOUL),
    )
    assert f"{start:%H:%M:%S} {end:%H:%M:%S}" == "00:00:00 23:59:59"
    assert end - start == timedelta(days=365) - timedelta(seconds=1)


def test_linters_and_openssl_accept_it(
    issued: Certificate, profile: str, party: RelyingParty
) -> None:
    """pkilint has its one objection, openssl shows the form of the profile and verifies the chain
    with CRLs of every CA in it."""
    issuing = party.ask("/ca/issuing.cer").body
    assert lint_chain_codes(party.directory, issued.der, issuing) == set()
    own = party.directory / "own.der"
    assert pkilint_codes(lint_pkix_cert.main, own, severity="ERROR") == _ALLOWED
    text = run("openssl", "x509", "-inform", "DER", "-noout", "-text", "-in", own)
    for part in (
        *("X509v3 Certificate Policies: critical", f"Policy: {_POLICIES[profile]}"),
        "Digital Signature, Non Repudiation",
        "othername: 1.2.410.200004.10.1.1:",
        f"URI:{party.url}/crl/issuing.crl",
        f"OCSP - URI:{party.url}/ocsp",
    ):
        assert part in text
    assert party.verify(issued.der).endswith("leaf.pem: OK\n")
    assert ": good\n" in party.openssl_ocsp(issued.der)


def test_its_life_is_seen_by_every_means(
    issued: Certificate, officer: Client, party: RelyingParty
) -> None:
    """On hold, off hold, replaced: `openssl crl -text`, `verify -crl_check_all` and `ocsp` tell the
    same of each, and the successor is good."""
    serial = issued.serial_number.upper()
    held = officer.suspend_certificate(issued.name)
    assert _reason_in_text(party, serial, held.crl_number) == "Certificate Hold"
    assert "certificate revoked" in party.verify(issued.der)
    assert "Reason: certificateHold\n" in party.openssl_ocsp(issued.der)
    resumed = officer.resume_certificate(issued.name)
    assert _reason_in_text(party, serial, resumed.crl_number) == ""
    assert party.verify(issued.der).endswith("leaf.pem: OK\n")
    reissued = officer.reissue_certificate(issued.name)
    assert _reason_in_text(party, serial, reissued.replaced.crl_number) == "Superseded"
    assert "certificate revoked" in party.verify(issued.der)
    assert "Reason: superseded\n" in party.openssl_ocsp(issued.der)
    new = reissued.certificate
    assert new.not_after_time == issued.not_after_time
    assert party.verify(new.der).endswith("leaf.pem: OK\n")
    assert ": good\n" in party.openssl_ocsp(new.der)


def _reason_in_text(party: RelyingParty, serial: str, number: int) -> str:
    """The reason beside a serial number, as `openssl crl -text` prints it; "" without entry."""
    file = party.directory / "issuing.crl"
    file.write_bytes(await_number(party, number))
    text = run("openssl", "crl", "-inform", "DER", "-noout", "-text", "-in", file)
    entries = text.partition("Revoked Certificates:")[2].split("Serial Number: ")
    found = next((entry for entry in entries if entry.startswith(f"{serial}\n")), "")
    return found.partition("CRL Reason Code:")[2].strip().splitlines()[0].strip() if found else ""
