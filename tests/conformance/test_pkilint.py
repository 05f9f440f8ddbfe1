"""Certificates of a running daemon before pkilint's RFC 5280 set and openssl, run as programs."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from examples.private_daemon import DaemonSize, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm
from signerd_client.certificate import pem_encode

_BIN = Path(sys.executable).parent
_KEYS = (
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.ED25519,
)
_SHIPPED = ("corporate", "personal", "tls-client")
# Judged in test_npki.py.
_NPKI = ("npki-corporate", "npki-personal", "npki-personal-banking")
_NAME = "홍길동()0089017202611220000001"


@pytest.fixture(scope="module")
def officer() -> Iterator[Client]:
    with (
        private_daemon(DaemonSize(fronts=1, hosts=1)) as daemon,
        Client(daemon.target("ra-officer")) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def chain(officer: Client, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of issuing CA and root, PEM."""
    directory = tmp_path_factory.mktemp("chain")
    files = directory / "issuing.pem", directory / "root.pem"
    for file, der in zip(files, officer.get_ca_chain(), strict=True):
        file.write_text(pem_encode("CERTIFICATE", der))
    return files


def _pkilint(program: str, *files: Path, severity: str = "NOTICE") -> tuple[int, str]:
    """Exit status and findings."""
    done = subprocess.run(
        [str(_BIN / program), "lint", "-s", severity, "-f", "CSV", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def _openssl_verify(chain: tuple[Path, Path], leaf: Path, purpose: str) -> str:
    issuing, root = chain
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose),
            *("-CAfile", str(root), "-untrusted", str(issuing), str(leaf)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def _assert_good(
    certificate: Certificate, chain: tuple[Path, Path], directory: Path, purpose: str = "any"
) -> None:
    leaf = directory / "leaf.der"
    leaf.write_bytes(certificate.der)
    assert _openssl_verify(chain, leaf, purpose) == f"{leaf}: OK\n"
    assert _pkilint("lint_pkix_cert", leaf)[0] == 0, _pkilint("lint_pkix_cert", leaf)
    code, findings = _pkilint("lint_pkix_signer_signee_cert_chain", chain[0], leaf)
    assert code == 0, findings


def test_every_shipped_profile_is_judged_here(officer: Client) -> None:
    """A profile cannot be shipped without its certificates before the linter."""
    assert sorted(officer.server_info().profiles) == sorted(_SHIPPED + _NPKI)


@pytest.mark.parametrize("algorithm", _KEYS)
@pytest.mark.parametrize("profile", _SHIPPED)
def test_certificates_of_a_profile_are_good(
    profile: str,
    algorithm: KeyAlgorithm,
    officer: Client,
    chain: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    """With a Korean name, units and e-mail, for each kind of key: no finding, chain verified."""
    certificate = officer.issue_certificate(
        f"lint-{uuid.uuid4().hex[:8]}",
        profile,
        _NAME,
        key_algorithm=algorithm,
        organizational_units=("개인뱅킹", "서울"),
        email="hong@bank.example",
    )
    purpose = "sslclient" if profile == "tls-client" else "any"
    _assert_good(certificate, chain, tmp_path, purpose)


@pytest.mark.parametrize("kind", ["RSA", "P-384"])
def test_certificates_for_requests_are_good(
    kind: str, officer: Client, chain: tuple[Path, Path], tmp_path: Path
) -> None:
    """A machine's own key, with DNS names; whatever else its request wishes is not taken."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if kind == "RSA"
        else ec.generate_private_key(ec.SECP384R1())
    )
    wishes = x509.BasicConstraints(ca=True, path_length=None)
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_x509_name("Root of all"))
        .add_extension(wishes, critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = officer.issue_certificate(
        f"lint-{uuid.uuid4().hex[:8]}",
        "tls-client",
        "app 1",
        csr=csr.public_bytes(serialization.Encoding.DER),
        dns_names=("app-1.bank.example", "xn--hd5b1z.bank.example"),
    )
    _assert_good(certificate, chain, tmp_path, "sslclient")
    assert "Root of all" not in certificate.subject


def test_a_reissued_certificate_is_as_good(
    officer: Client, chain: tuple[Path, Path], tmp_path: Path
) -> None:
    """New key, old end: the validity in whole Korean days stays well formed."""
    old = officer.issue_certificate(
        "lint-reissued", "personal", _NAME, key_algorithm=KeyAlgorithm.EC_P256_SHA256
    )
    _assert_good(officer.reissue_certificate(old.name).certificate, chain, tmp_path)


def test_the_hierarchy_is_good(chain: tuple[Path, Path]) -> None:
    """Root and issuing CA by themselves and as a pair."""
    issuing, root = chain
    assert _openssl_verify(chain, issuing, "any") == f"{issuing}: OK\n"
    for file in chain:
        code, findings = _pkilint("lint_pkix_cert", file)
        assert code == 0, findings
    code, findings = _pkilint("lint_pkix_signer_signee_cert_chain", root, issuing)
    assert code == 0, findings


def test_the_judges_find_what_is_wrong(chain: tuple[Path, Path], tmp_path: Path) -> None:
    """A certificate that is no CA's and may sign certificates, of another issuer: both object."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only", "digital_signature"),
        ),
        False,
    )
    bad = (
        x509.CertificateBuilder()
        .subject_name(_x509_name("bad"))
        .issuer_name(_x509_name("nobody"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    leaf = tmp_path / "bad.der"
    leaf.write_bytes(bad.public_bytes(serialization.Encoding.DER))
    assert "unable to get local issuer certificate" in _openssl_verify(chain, leaf, "any")
    for program, files in (
        ("lint_pkix_cert", [leaf]),
        ("lint_pkix_signer_signee_cert_chain", [chain[0], leaf]),
    ):
        code, findings = _pkilint(program, *files, severity="ERROR")
        assert code != 0
        assert "ERROR" in findings


def _x509_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
