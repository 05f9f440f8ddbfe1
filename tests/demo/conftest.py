from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from examples.demo.openssl import OpensslVerifier
from examples.demo.order import Order
from examples.demo.worker import Instruction, Signed
from signerd_client import Certificate, CertificateState, KeyAlgorithm

NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA of one root that certifies software keys, to judge the judge with."""

    key: rsa.RSAPrivateKey
    root: x509.Certificate

    def certify(self, key: rsa.RSAPrivateKey, serial: int, days: int = 36_500) -> Certificate:
        der = self._build(key, serial, days).public_bytes(Encoding.DER)
        name = f"{serial:x}"
        return Certificate(
            name=f"certificates/{name}",
            subscriber="subscribers/someone",
            credential=f"credentials/{name}",
            profile="personal",
            state=CertificateState.ACTIVE,
            serial_number=name,
            subject="CN=누군가",
            not_before_time=NOT_BEFORE,
            not_after_time=NOT_BEFORE + timedelta(days=days),
            create_time=NOT_BEFORE,
            key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
            der=der,
            sha256_fingerprint="",
            revocation=None,
            replaces="",
            replaced_by="",
            key_group="",
            suspension=None,
            crl_number=0,
        )

    def _build(self, key: rsa.RSAPrivateKey, serial: int, days: int) -> x509.Certificate:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(_name("누군가"))
            .issuer_name(self.root.subject)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(NOT_BEFORE + timedelta(days=days))
            .add_extension(issuer, critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@pytest.fixture(scope="session")
def new_key() -> Callable[[], rsa.RSAPrivateKey]:
    return lambda: rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def new_authority(new_key: Callable[[], rsa.RSAPrivateKey]) -> Callable[[], Authority]:
    def make() -> Authority:
        key = new_key()
        name = _name("Test root")
        root = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(NOT_BEFORE + timedelta(days=36_500))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_CA_USAGE, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return Authority(key, root)

    return make


@pytest.fixture(scope="session")
def authority(new_authority: Callable[[], Authority]) -> Authority:
    return new_authority()


@pytest.fixture
def verifier(tmp_path: Path, authority: Authority) -> OpensslVerifier:
    root = authority.root.public_bytes(Encoding.DER)
    return OpensslVerifier(tmp_path / "openssl", [root, root])


@pytest.fixture(scope="session")
def sign_order() -> Callable[[rsa.RSAPrivateKey, str, str], Signed]:
    """Sign an order with a software key, as a client would have been answered."""

    def sign(key: rsa.RSAPrivateKey, credential: str, order_id: str) -> Signed:
        order = Order(order_id, "someone", 1000, f"<PmtInf>{order_id} 원</PmtInf>".encode())
        signature = key.sign(order.content, padding.PKCS1v15(), hashes.SHA256())
        return Signed(Instruction(order, credential), signature, "", 1)

    return sign


_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
