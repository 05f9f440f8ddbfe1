"""Client certificates that init does not make: foreign, expired, of several names."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM of a certificate and its key."""

    certificate: bytes
    key: bytes

    def write(self, certificate: Path, key: Path) -> None:
        """The key first, as a renewal does it."""
        key.write_bytes(self.key)
        key.chmod(0o600)
        certificate.write_bytes(self.certificate)


class TlsAuthority:
    """A CA for TLS identities: that of a state directory, or one that nobody trusts."""

    def __init__(self, tls: Path | None = None) -> None:
        if tls is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = _certificate(
                "stranger", self._key, _name("stranger"), self._key, [], expired=False, ca=True
            )
            return
        key = serialization.load_pem_private_key((tls / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._certificate = x509.load_pem_x509_certificate((tls / "ca.pem").read_bytes())

    @property
    def pem(self) -> bytes:
        """The CA's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, names: list[x509.GeneralName], *, expired: bool = False) -> Identity:
        """An identity with these subject alternative names, for server and client alike."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _certificate(
            "somebody", key, self._certificate.subject, self._key, names, expired=expired, ca=False
        )
        return Identity(
            built.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    *,
    expired: bool,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    end = now - _DAY if expired else now + _DAY
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 2 * _DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if not ca:
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
