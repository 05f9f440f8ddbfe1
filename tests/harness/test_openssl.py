"""The judge is judged: openssl accepts what is right and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signerd_client import KeyAlgorithm
from signerd_harness.evidence import Evidence
from signerd_harness.openssl import ChainCheck, SignatureCheck

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_ORDER = "<Document>이체</Document>".encode()
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _certificate(key: Key, name: str = "someone", days: int = 1) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    hash_ = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now - timedelta(days=2) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hash_)
        .public_bytes(Encoding.DER)
    )


def _case(algorithm: KeyAlgorithm) -> tuple[Key, bytes]:
    match algorithm:
        case KeyAlgorithm.RSA_2048_PKCS1_SHA256:
            key = _rsa()
            return key, key.sign(_ORDER, padding.PKCS1v15(), hashes.SHA256())
        case KeyAlgorithm.RSA_2048_PSS_SHA256:
            key = _rsa()
            return key, key.sign(_ORDER, _PSS, hashes.SHA256())
        case KeyAlgorithm.EC_P384_SHA384:
            curve = ec.generate_private_key(ec.SECP384R1())
            return curve, curve.sign(_ORDER, ec.ECDSA(hashes.SHA384()))
        case KeyAlgorithm.EC_P256_SHA256:
            curve = ec.generate_private_key(ec.SECP256R1())
            return curve, curve.sign(_ORDER, ec.ECDSA(hashes.SHA256()))
        case _:
            edwards = ed25519.Ed25519PrivateKey.generate()
            return edwards, edwards.sign(_ORDER)


@pytest.mark.parametrize(
    "algorithm",
    [
        KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        KeyAlgorithm.RSA_2048_PSS_SHA256,
        KeyAlgorithm.EC_P256_SHA256,
        KeyAlgorithm.EC_P384_SHA384,
        KeyAlgorithm.ED25519,
    ],
)
def test_a_signature_holds_for_its_key_and_data_alone(
    tmp_path: Path, algorithm: KeyAlgorithm
) -> None:
    """Not with another key, not over other data, not with one bit changed."""
    key, signature = _case(algorithm)
    other, _ = _case(algorithm)
    certificate = _certificate(key)
    check = SignatureCheck(tmp_path / "check", algorithm)
    assert check.holds(certificate, Evidence(0, _ORDER, signature))
    assert not check.holds(_certificate(other), Evidence(0, _ORDER, signature))
    assert not check.holds(certificate, Evidence(0, _ORDER + b" ", signature))
    changed = signature[:-1] + bytes([signature[-1] ^ 1])
    assert not check.holds(certificate, Evidence(0, _ORDER, changed))
    check.close()


def test_chains_are_told_apart(tmp_path: Path) -> None:
    """Of many certificates at once those are named whose chain does not hold, by openssl's words;
    one that has expired holds only where time does not matter."""
    key = _rsa()
    root, old = _certificate(key, days=10), _certificate(key, days=0)
    stranger = _certificate(_rsa(), "stranger", days=10)
    check = ChainCheck(tmp_path / "chains", [root, root])
    now = int(datetime.now(UTC).timestamp())
    assert check.failures([root, root], at=now) == []
    failed = check.failures([root, stranger, root], at=now)
    assert [one.partition(":")[0] for one in failed] == ["1.pem"]
    assert "self-signed" in failed[0]
    assert "expired" in check.failures([old], at=now)[0]
