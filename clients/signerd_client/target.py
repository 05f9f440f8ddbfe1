"""Where the daemon is and how to prove who is calling."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from signerd_client.error import ErrorDetail, InvalidTarget


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA that the daemon's certificate is checked with, and who the caller is.

    certificate may hold a chain, the caller's own certificate first; key is not encrypted.
    """

    ca: Path
    certificate: Path
    key: Path
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What the files held when they were read; not_before and not_after are the caller's own."""

    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a daemon. Make one with tls, unix or from_environment."""

    address: str
    tls_files: TlsFiles | None = None

    @classmethod
    def tls(
        cls,
        address: str,
        *,
        ca: Path,
        certificate: Path,
        key: Path,
        server_name: str | None = None,
    ) -> Self:
        """host:port over mutual TLS.

        server_name is the name that the daemon's certificate must carry; None is the host.
        """
        return cls(address, TlsFiles(ca, certificate, key, server_name))

    @classmethod
    def unix(cls, path: Path | str) -> Self:
        """The daemon's Unix socket, for administration on its own machine."""
        return cls(f"unix:{Path(path).absolute()}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """From SIGNERD_TARGET (host:port or unix:/path) and, for host:port, the PEM files
        SIGNERD_CA, SIGNERD_CERTIFICATE, SIGNERD_KEY, with SIGNERD_SERVER_NAME if it differs.

        Raises InvalidTarget naming what is missing.
        """
        given = os.environ if environment is None else environment
        return cls.parse(
            given.get("SIGNERD_TARGET", ""),
            ca=given.get("SIGNERD_CA"),
            certificate=given.get("SIGNERD_CERTIFICATE"),
            key=given.get("SIGNERD_KEY"),
            server_name=given.get("SIGNERD_SERVER_NAME"),
        )

    @classmethod
    def parse(
        cls,
        address: str,
        *,
        ca: Path | str | None = None,
        certificate: Path | str | None = None,
        key: Path | str | None = None,
        server_name: str | None = None,
    ) -> Self:
        """host:port, which needs the three files, or unix:/path. Raises InvalidTarget."""
        if not address:
            raise _invalid("TARGET_MISSING", "no target: give host:port or unix:/path")
        if address.startswith("unix:"):
            return cls.unix(address.removeprefix("unix:").removeprefix("//"))
        if not (ca and certificate and key):
            raise _invalid(
                "TLS_FILES_MISSING",
                f"{address} is reached over mutual TLS:"
                " give the files of the CA, of your certificate and of its key",
            )
        return cls.tls(
            address,
            ca=Path(ca),
            certificate=Path(certificate),
            key=Path(key),
            server_name=server_name or None,
        )

    @property
    def socket(self) -> Path | None:
        """The path of the Unix socket; None for TLS."""
        return None if self.tls_files else Path(self.address.removeprefix("unix:"))


def load_material(files: TlsFiles) -> TlsMaterial:
    """Read the files. Raises InvalidTarget naming the file that cannot be used and why."""
    ca = _read(files.ca, "CA")
    certificate = _read(files.certificate, "certificate")
    key = _read(files.key, "key")
    _certificates(ca, files.ca)
    own = _certificates(certificate, files.certificate)[0]
    if _public_key_of(key, files.key) != own.public_key():
        raise _invalid(
            "KEY_MISMATCH",
            f"the key in {files.key} does not belong to the certificate in {files.certificate}",
        )
    return TlsMaterial(
        ca=ca,
        certificate=certificate,
        key=key,
        not_before=own.not_valid_before_utc,
        not_after=own.not_valid_after_utc,
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _invalid(
            "FILE_UNREADABLE", f"the {what} file {path} cannot be read: {error.strerror}"
        ) from None


def _certificates(pem: bytes, path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise _invalid("NOT_PEM", f"{path} holds no PEM certificate") from None


def _public_key_of(pem: bytes, path: Path) -> object:
    try:
        return load_pem_private_key(pem, password=None).public_key()
    except TypeError:
        raise _invalid(
            "KEY_ENCRYPTED", f"the key in {path} is encrypted; decrypt it into a file only you read"
        ) from None
    except ValueError:
        raise _invalid("NOT_PEM", f"{path} holds no PEM private key") from None


def _invalid(reason: str, message: str) -> InvalidTarget:
    return InvalidTarget(ErrorDetail(message, reason, InvalidTarget.advice_of_family))
