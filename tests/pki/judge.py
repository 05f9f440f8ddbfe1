"""The programs that judge what pki builds: openssl and pkilint."""

import contextlib
import csv
import io
import subprocess
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import SignatureAlgorithmOID
from pkilint.bin import (  # type: ignore[import-untyped] # pkilint has no types
    lint_pkix_cert,
    lint_pkix_signer_signee_cert_chain,
)

from tests.pki.software_authority import Authority


def openssl(*arguments: object, stdin: bytes = b"") -> str:
    """Run the openssl program; its standard output. It has to succeed."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def openssl_text(certificate: bytes) -> str:
    """`openssl x509 -text`, names in UTF-8."""
    return openssl(
        *("x509", "-inform", "DER", "-noout", "-text"),
        *("-nameopt", "utf8,sep_comma_plus_space"),
        stdin=certificate,
    )


def assert_openssl_verifies(
    folder: Path, authority: Authority, leaves: Sequence[bytes], purpose: str = "any"
) -> None:
    """`openssl verify -x509_strict` accepts each leaf under the authority."""
    root, issuing = folder / "root.pem", folder / "issuing.pem"
    root.write_text(openssl("x509", "-inform", "DER", stdin=authority.root))
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=authority.issuing))
    paths = [folder / f"leaf{index}.der" for index in range(len(leaves))]
    for path, leaf in zip(paths, leaves, strict=True):
        path.write_bytes(leaf)
    said = openssl(
        *("verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose),
        *("-CAfile", root, "-untrusted", issuing, *paths),
    )
    assert said.splitlines() == [f"{path}: OK" for path in paths]


def pkilint_codes(
    program: Callable[[list[str]], int], *arguments: Path | str, severity: str = "NOTICE"
) -> set[str]:
    """The findings of a pkilint program from a severity up. arguments: its files, and options of
    its own."""
    said = io.StringIO()
    options = ["lint", "-s", severity, "-f", "CSV", "--document-format", "DER"]
    with contextlib.redirect_stdout(said), warnings.catch_warnings():
        # The programs leave their input files to the end of the process.
        warnings.simplefilter("ignore", ResourceWarning)
        count = program([*options, *map(str, arguments)])
    codes = [row["code"] for row in csv.DictReader(io.StringIO(said.getvalue()))]
    assert len(codes) == count
    return set(codes)


def lint_chain_codes(folder: Path, certificate: bytes, issuer: bytes) -> set[str]:
    """What the chain linter finds."""
    own, above = folder / "own.der", folder / "above.der"
    own.write_bytes(certificate)
    above.write_bytes(issuer)
    return pkilint_codes(lint_pkix_signer_signee_cert_chain.main, above, own)


def assert_pkilint_clean(
    folder: Path, certificate: bytes, issuer: bytes, severity: str = "NOTICE"
) -> None:
    """pkilint's RFC 5280 linters find nothing in a certificate and its link to the issuer.

    Its chain linter checks RSASSA-PSS signatures as if they were PKCS#1 v1.5 (shown by
    test_pkilint_misjudges_pss); that one finding is allowed there, and openssl judges instead.
    """
    parsed = x509.load_der_x509_certificate(certificate)
    is_pss = parsed.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    assert lint_chain_codes(folder, certificate, issuer) == (
        {"pkix.signature_verification_failed"} if is_pss else set()
    )
    assert pkilint_codes(lint_pkix_cert.main, folder / "own.der", severity=severity) == set()
