"""NPKI certificates before openssl, pkilint and pypinksign, a reader of Korean certificates."""

import subprocess
from pathlib import Path

import pypinksign  # type: ignore[import-untyped] # pypinksign has no types
import pytest
from pkilint.bin import lint_pkix_cert  # type: ignore[import-untyped] # pkilint has no types

from tests.pki.judge import lint_chain_codes, openssl, pkilint_codes
from tests.pki.npki import RSA, SAMPLE, npki_certificate
from tests.pki.software_authority import NOW, authority_for, shipped

_POLICIES = {
    "npki-personal": "1.2.410.200005.1.1.1",
    "npki-personal-banking": "1.2.410.200005.1.1.4",
    "npki-corporate": "1.2.410.200005.1.1.5",
}
_profiles = pytest.mark.parametrize("name", _POLICIES)


@pytest.fixture
def chain(tmp_path: Path) -> tuple[str, ...]:
    """Options of openssl verify: root and issuing CA."""
    authority = authority_for(RSA)
    for file, der in (("root.pem", authority.root), ("issuing.pem", authority.issuing)):
        (tmp_path / file).write_text(openssl("x509", "-inform", "DER", stdin=der))
    return "-CAfile", str(tmp_path / "root.pem"), "-untrusted", str(tmp_path / "issuing.pem")


def _openssl(*arguments: str, stdin: bytes = b"") -> str:
    """Standard output and errors; it writes BMPStrings as they are, which is no UTF-8."""
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode(errors="backslashreplace")


@_profiles
def test_openssl_shows_what_the_form_asks_for(name: str) -> None:
    """Names, validity in Korean days and extensions, as `openssl x509 -text` prints them."""
    text = _openssl(
        *("x509", "-inform", "DER", "-noout", "-text"),
        *("-nameopt", "utf8,sep_comma_plus_space"),
        stdin=npki_certificate(shipped(name)),
    )
    today = f"{NOW.astimezone(shipped(name).validity.zone):%Y%m%d}"
    unit = shipped(name).subject.organizational_units[0]
    assert f"Subject: C=kr, O=테스트은행, OU={unit}, OU=K bank, CN=홍길동()0089041{today}" in text
    assert "15:00:00" in text
    assert "14:59:59" in text
    issuing = authority_for(RSA)
    assert "DirName:/C=KR/O=" in text
    assert text.count(issuing.issuer.parsed.serial_number.to_bytes(20, "big").hex(":").upper()) == 1
    assert (
        "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation\n" in text
    )
    assert "X509v3 Certificate Policies: critical\n" in text
    assert f"Policy: {_POLICIES[name]}\n" in text
    assert "User Notice:\n" in text
    assert "CPS: http://pki.bank.example/cps\n" in text
    assert "othername: 1.2.410.200004.10.1.1:" in text
    assert "URI:http://pki.bank.example/crl/issuing.crl\n" in text
    assert "OCSP - URI:http://pki.bank.example/ocsp\n" in text


@_profiles
def test_openssl_parses_the_sample_and_ours_alike(name: str) -> None:
    """`openssl asn1parse` shows the same types at the same depth, from the subject on."""
    ours, theirs = (_outline(der) for der in (npki_certificate(shipped(name)), SAMPLE))
    assert ours == theirs


def _outline(der: bytes) -> list[str]:
    """Depth, type and OID of each element after the issuer; values and lengths left out."""
    lines = openssl("asn1parse", "-inform", "DER", stdin=der).splitlines()
    start = next(n for n, line in enumerate(lines) if "UTCTIME" in line)
    outline = []
    for line in lines[start:]:
        fields = line.split(":", 3)
        kind = fields[2].strip()
        is_oid = kind.startswith("OBJECT")
        outline.append(f"{fields[1].split()[0]} {kind} {fields[3] if is_oid else ''}")
    return outline


@_profiles
def test_openssl_verifies_the_chain(name: str, chain: tuple[str, ...], tmp_path: Path) -> None:
    """Also strictly, and under the policy that the certificate is issued under."""
    leaf = tmp_path / "leaf.der"
    leaf.write_bytes(npki_certificate(shipped(name)))
    policy = ("-policy_check", "-explicit_policy", "-policy", _POLICIES[name])
    said = _openssl("verify", "-x509_strict", "-check_ss_sig", *policy, *chain, str(leaf))
    assert said.splitlines()[-1] == f"{leaf}: OK"
    other = ("-policy_check", "-explicit_policy", "-policy", "1.2.410.200005.1.1.9")
    assert "no explicit policy" in _openssl("verify", *other, *chain, str(leaf))


@_profiles
def test_pypinksign_reads_it(name: str, tmp_path: Path) -> None:
    """Common name, policy, issuer and validity, read as from any Korean certificate."""
    leaf = tmp_path / "signCert.der"
    leaf.write_bytes(npki_certificate(shipped(name)))
    certificate = pypinksign.PinkSign(pubkey_data=leaf.read_bytes())
    zone = shipped(name).validity.zone
    today = NOW.astimezone(zone)
    assert certificate.cn() == f"홍길동()0089041{today:%Y%m%d}000000030"
    assert certificate.cert_type_oid() == _POLICIES[name]
    assert certificate.issuer() == "테스트은행"
    start, end = (moment.astimezone(zone) for moment in certificate.valid_date())
    assert f"{start:%Y%m%d %H:%M:%S}" == f"{today:%Y%m%d} 00:00:00"
    assert f"{end:%H:%M:%S}" == "23:59:59"
    assert (end.date() - start.date()).days == 364


def test_pypinksign_reads_the_sample() -> None:
    """The same reader on the published certificate."""
    certificate = pypinksign.PinkSign(pubkey_data=SAMPLE)
    assert certificate.cn() == "HKD(KILDONG.HONG)009104120200225191000030"
    assert certificate.cert_type_oid() == _POLICIES["npki-personal-banking"]


@_profiles
def test_pkilint_has_one_objection(name: str, tmp_path: Path) -> None:
    """The notice is a BMPString, as in all Korean certificates; RFC 6818, 3 allows what pkilint
    still forbids with RFC 5280, 4.2.1.4."""
    authority = authority_for(RSA)
    leaf = npki_certificate(shipped(name))
    assert lint_chain_codes(tmp_path, leaf, authority.issuing) == set()
    own = tmp_path / "own.der"
    errors = {"pkix.rfc5280_certificate_policies_invalid_explicit_text_encoding"}
    assert pkilint_codes(lint_pkix_cert.main, own, severity="ERROR") == errors
    # RFC 5280, 4.2.1.4 would rather have no qualifier at all.
    warned = {"pkix.certificate_policies_policy_has_qualifier"}
    assert pkilint_codes(lint_pkix_cert.main, own) == errors | warned
