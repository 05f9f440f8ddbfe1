"""What the `openssl` program says of certificates and signatures.

Everything is handed over in files, as to any verifier that knows nothing of signerd.
"""

import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from examples.demo.worker import Signed
from signerd_client import Certificate

_AT_A_TIME: Final = 4

T = TypeVar("T")
R = TypeVar("R")


class OpensslVerifier:
    """Verifies with files in a directory of its own."""

    def __init__(self, directory: Path, ca_chain: Sequence[bytes]) -> None:
        """ca_chain: DER, the issuing CA first and the root last."""
        directory.mkdir()
        self._directory = directory
        *intermediates, root = [_pem(certificate) for certificate in ca_chain]
        (directory / "root.pem").write_bytes(root)
        (directory / "intermediates.pem").write_bytes(b"".join(intermediates))

    def valid_chains(self, certificates: Iterable[Certificate]) -> list[Certificate]:
        """Those whose chain to the root holds, strictly by RFC 5280 (-x509_strict)."""
        return _select(certificates, self._chain_is_valid)

    def valid_signatures(
        self, signatures: Iterable[Signed], certificates: dict[str, Certificate]
    ) -> list[Signed]:
        """Those that verify with the key of their credential's certificate over the order's
        bytes. certificates: by credential."""
        keys = dict(zip(certificates, _map(self._public_key, certificates.values()), strict=True))
        return _select(
            signatures,
            lambda signed: self._signature_is_valid(signed, keys[signed.instruction.credential]),
        )

    def end_date(self, certificate: Certificate) -> datetime:
        """notAfter, UTC."""
        command = ("x509", "-in", str(self._file(certificate)), "-noout", "-enddate")
        text = _openssl(*command).stdout.strip().removeprefix("notAfter=")
        return datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)

    def _chain_is_valid(self, certificate: Certificate) -> bool:
        root, intermediates = self._directory / "root.pem", self._directory / "intermediates.pem"
        authorities = ("-CAfile", str(root), "-untrusted", str(intermediates))
        return _succeeds("verify", "-x509_strict", *authorities, str(self._file(certificate)))

    def _signature_is_valid(self, signed: Signed, key: Path) -> bool:
        base = self._directory / signed.instruction.order.order_id
        content, signature = base.with_suffix(".xml"), base.with_suffix(".sig")
        content.write_bytes(signed.instruction.order.content)
        signature.write_bytes(signed.signature)
        return _succeeds(
            *("dgst", "-sha256", "-verify", str(key)),
            *("-signature", str(signature), str(content)),
        )

    def _public_key(self, certificate: Certificate) -> Path:
        path = self._directory / f"{certificate.serial_number}.pub"
        made = _openssl("x509", "-in", str(self._file(certificate)), "-noout", "-pubkey")
        path.write_text(made.stdout)
        return path

    def _file(self, certificate: Certificate) -> Path:
        path = self._directory / f"{certificate.serial_number}.pem"
        path.write_text(certificate.pem)
        return path


def _map(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(act, items))


def _select(items: Iterable[T], holds: Callable[[T], bool]) -> list[T]:
    listed = list(items)
    return [item for item, good in zip(listed, _map(holds, listed), strict=True) if good]


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _succeeds(*arguments: str) -> bool:
    return _openssl(*arguments).returncode == 0


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the program that judges us, arguments are ours
        ["openssl", *arguments],  # noqa: S607 - whichever openssl the user trusts
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
