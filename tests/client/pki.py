"""A small PKI of software keys for TLS in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from signerd_client import Target


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write NAME.pem and NAME.key."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.certificate_pem)
        key.write_bytes(self.key_pem)
        return certificate, key


def make_identity(
    common_name: str,
    *,
    issuer: Identity | None = None,
    dns_names: Sequence[str] = (),
    days: tuple[float, float] = (-1, 30),
) -> Identity:
    """A CA when no issuer is given; days are begin and end of validity from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names])
        builder = builder.add_extension(names, critical=False)
    return Identity(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


@dataclass(frozen=True)
class Trust:
    """A CA that daemon and clients share, with the files of one client."""

    directory: Path
    ca: Identity

    def server_credentials(self, server: Identity | None = None) -> grpc.ServerCredentials:
        """TLS of a daemon that asks for client certificates of the CA."""
        server = server or make_identity("daemon", issuer=self.ca, dns_names=["localhost"])
        return grpc.ssl_server_credentials(
            [(server.key_pem, server.certificate_pem)],
            root_certificates=self.ca.certificate_pem,
            require_client_auth=True,
        )

    def target(self, address: str, client: Identity | None = None) -> Target:
        """A target with new TLS files."""
        client = client or make_identity("client", issuer=self.ca)
        certificate, key = client.write(self.directory, "client")
        ca, _ = self.ca.write(self.directory, "ca")
        return Target.tls(address, ca=ca, certificate=certificate, key=key)
