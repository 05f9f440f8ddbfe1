"""What the `openssl` program says of signatures and certificates.

It is given files, as any verifier that knows nothing of signerd, and its exit status counts.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from signerd_client import KeyAlgorithm
from signerd_client.certificate import pem_encode
from signerd_harness.evidence import Evidence

_ENVIRONMENT: Final = {**os.environ, "OPENSSL_CONF": os.devnull}


class SignatureCheck:
    """`openssl pkeyutl -verify` for one signature at a time, in a directory of its own.

    It reads the key from the certificate that the daemon gave, and hashes the data by itself.
    """

    def __init__(self, directory: Path, algorithm: KeyAlgorithm) -> None:
        directory.mkdir()
        self._certificate = directory / "certificate.pem"
        self._data = directory / "data"
        self._signature = directory / "signature"
        self._command = (
            *("openssl", "pkeyutl", "-verify", "-certin", "-inkey", str(self._certificate)),
            *("-rawin", "-in", str(self._data), "-sigfile", str(self._signature)),
            *_options(algorithm),
        )
        self._silent = os.open(os.devnull, os.O_RDWR)

    def close(self) -> None:
        """Files of the check itself stay."""
        os.close(self._silent)

    def holds(self, certificate: bytes, evidence: Evidence) -> bool:
        """Whether the signature is the certificate's over the data. certificate: DER."""
        self._certificate.write_text(pem_encode("CERTIFICATE", certificate))
        self._data.write_bytes(evidence.data)
        self._signature.write_bytes(evidence.signature)
        # Much less than subprocess costs, fifty thousand times.
        child = os.posix_spawnp(
            self._command[0],
            self._command,
            _ENVIRONMENT,
            file_actions=[(os.POSIX_SPAWN_DUP2, self._silent, stream) for stream in (0, 1, 2)],
        )
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 0


class ChainCheck:
    """`openssl verify` for many certificates in one process."""

    def __init__(self, directory: Path, ca_chain: Sequence[bytes]) -> None:
        """ca_chain: DER, the issuing CA first and the root last."""
        directory.mkdir()
        self._directory = directory
        *intermediates, root = (pem_encode("CERTIFICATE", one) for one in ca_chain)
        self._root, self._intermediates = directory / "root.pem", directory / "intermediates.pem"
        self._root.write_text(root)
        self._intermediates.write_text("".join(intermediates))

    def failures(self, certificates: Sequence[bytes], *, at: int | None) -> list[str]:
        """What openssl says of those whose chain does not hold, strictly by RFC 5280. certificates:
        DER. at: the time that counts, seconds since 1970; None where validity does not matter."""
        files = []
        for number, certificate in enumerate(certificates):
            path = self._directory / f"{number}.pem"
            path.write_text(pem_encode("CERTIFICATE", certificate))
            files.append(str(path))
        when = ("-no_check_time",) if at is None else ("-attime", str(at))
        done = subprocess.run(  # noqa: S603 - the program that judges us, arguments are ours
            [
                *("openssl", "verify", "-x509_strict", *when, "-CAfile", str(self._root)),
                *("-untrusted", str(self._intermediates), *files),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        good = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
        bad = [path for path in files if path not in good]
        return [f"{Path(path).name}: {done.stderr.strip()[:300]}" for path in bad]


def _options(algorithm: KeyAlgorithm) -> tuple[str, ...]:
    if algorithm is KeyAlgorithm.ED25519:
        return ()
    digest = ("-digest", algorithm.rpartition("_")[2].lower())
    if "PSS" not in algorithm:
        return digest
    return (
        *digest,
        *("-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"),
    )
