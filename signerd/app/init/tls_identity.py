"""TLS identities for server and clients, from a CA of their own whose key is a file.

They protect connections and name callers; they certify no customer. A bank replaces them with
those of its own infrastructure.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock

_CA_YEARS = 10
_LEAF_DAYS = 825
_EKU = x509.ExtendedKeyUsage


@dataclass(frozen=True, slots=True)
class TlsDirectory:
    """Where the files lie."""

    path: Path

    def client(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of a client identity."""
        return self.path / "clients" / f"{name}.pem", self.path / "clients" / f"{name}.key"


class TlsIssuer:
    """The CA of the TLS identities; made on first use."""

    def __init__(self, directory: TlsDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        for path in (directory.path, directory.path / "clients"):
            path.mkdir(mode=0o700, exist_ok=True)
        certificate, key = directory.path / "ca.pem", directory.path / "ca.key"
        if not certificate.exists():
            self._make_ca(certificate, key)
        self._certificate = x509.load_pem_x509_certificate(certificate.read_bytes())
        self._key_path = key

    def make_server(self, certificate: Path, key: Path, host: str) -> bool:
        """A server identity for a host name or address, and localhost; False when it is there."""
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        try:
            names.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
        return self._make(certificate, key, "signerd", list(dict.fromkeys(names)), server=True)

    def make_client(self, name: str, uri: str) -> bool:
        """A client identity whose principal is `uri:<uri>`; False when it is there."""
        certificate, key = self._directory.client(name)
        names = [x509.UniformResourceIdentifier(uri)]
        return self._make(certificate, key, name, names, server=False)

    def _make(
        self,
        certificate: Path,
        key: Path,
        common_name: str,
        names: "list[x509.GeneralName] | list[x509.UniformResourceIdentifier]",
        *,
        server: bool,
    ) -> bool:
        if certificate.exists():
            return False
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        private = ec.generate_private_key(ec.SECP256R1())
        built = (
            self._builder(common_name, private, timedelta(days=_LEAF_DAYS))
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(_EKU([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(self._authority_key(), critical=False)
            .sign(self._ca_key(), hashes.SHA256())
        )
        _write_pair(certificate, key, built, private)
        return True

    def _make_ca(self, certificate: Path, key: Path) -> None:
        private = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder("signerd TLS CA", private, timedelta(days=365 * _CA_YEARS))
        built = (
            builder.issuer_name(_name("signerd TLS CA"))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
            )
            .sign(private, hashes.SHA256())
        )
        _write_pair(certificate, key, built, private)

    def _builder(
        self, common_name: str, private: ec.EllipticCurvePrivateKey, lifetime: timedelta
    ) -> x509.CertificateBuilder:
        now = self._clock.now().astimezone(UTC)
        start = datetime(now.year, now.month, now.day, tzinfo=UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + lifetime)
        )

    def _authority_key(self) -> x509.AuthorityKeyIdentifier:
        identifier = self._certificate.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)

    def _ca_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(self._key_path.read_bytes(), None)
        except OSError as error:
            raise BootError(
                ExitCode.CONFIG_INVALID,
                f"the key of the TLS CA, {self._key_path}, cannot be read ({error.strerror}); "
                "issue the identity with the CA that holds it",
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise BootError(
                ExitCode.CONFIG_INVALID, f"{self._key_path} is not the EC key that init made"
            )
        return key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write_pair(
    certificate: Path, key: Path, built: x509.Certificate, private: ec.EllipticCurvePrivateKey
) -> None:
    """The key first: a certificate that is there means that its key is there too."""
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key.unlink(missing_ok=True)
    fd = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(pem)
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
