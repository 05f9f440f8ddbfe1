"""TLS of the server: mutual, and renewable without a restart."""

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from signerd.core.boot import BootError, ExitCode

_ADVICE = "put the right file there, or name another in [tls]"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: certificate chain and key of the server, CA of the clients."""

    certificate: Path
    key: Path
    client_ca: Path


class TlsMaterial:
    """Gives each new connection what was read last; connections that stand keep theirs."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises BootError (CONFIG_INVALID) that names the file at fault."""
        self._files = files
        self._changed: grpc.ServerCertificateConfiguration | None = None
        self._initial = _read(files)

    def reload(self) -> None:
        """Read the files again. Raises BootError and keeps what was good."""
        self._changed = _read(self._files)

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials that ask for a client certificate and verify it."""
        return grpc.dynamic_ssl_server_credentials(
            self._initial,
            self._fetch,  # type: ignore[arg-type] # None, for "as before", is not in the stub
            require_client_authentication=True,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        changed, self._changed = self._changed, None
        return changed


def _read(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    certificate, key, client_ca = (
        _bytes(path) for path in (files.certificate, files.key, files.client_ca)
    )
    _check(files, certificate, key, client_ca)
    return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"TLS file {path} cannot be read: {error.strerror}; {_ADVICE}",
        ) from None


def _check(files: TlsFiles, certificate: bytes, key: bytes, client_ca: bytes) -> None:
    """gRPC accepts any bytes and then fails every handshake without saying why."""
    try:
        leaf = x509.load_pem_x509_certificates(certificate)[0]
    except ValueError:
        raise _invalid(files.certificate, "no PEM certificate") from None
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        raise _invalid(files.key, "no unencrypted PEM private key") from None
    if private.public_key() != leaf.public_key():
        raise _invalid(files.key, f"not the key of {files.certificate}")
    try:
        x509.load_pem_x509_certificates(client_ca)
    except ValueError:
        raise _invalid(files.client_ca, "no PEM certificate") from None


def _invalid(path: Path, problem: str) -> BootError:
    return BootError(ExitCode.CONFIG_INVALID, f"TLS file {path}: {problem}; {_ADVICE}")
