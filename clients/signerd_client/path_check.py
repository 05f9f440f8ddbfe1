"""Certification paths of the few certificates in a proof."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd_client.audit_proof import ProofError

_LONGEST: Final = 5


@dataclass(frozen=True, slots=True)
class TrustedRoots:
    """roots: whom the caller trusts. between: CA certificates that come with the proof, which have
    to lead to one of them."""

    roots: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...]

    @staticmethod
    def of(roots: Sequence[bytes], between: Sequence[bytes]) -> "TrustedRoots":
        """From DER. Raises ProofError."""
        return TrustedRoots(tuple(read_certificates(roots)), tuple(read_certificates(between)))


def read_certificates(ders: Sequence[bytes]) -> list[x509.Certificate]:
    """Raises ProofError for one of which any part that is used here cannot be read."""
    try:
        read = [x509.load_der_x509_certificate(der) for der in ders]
        for certificate in read:
            spki_sha256(certificate)
            list(certificate.extensions)
    except (
        *(ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension),
        x509.UnsupportedGeneralNameType,
    ):
        raise ProofError("a certificate in the proof cannot be read") from None
    return read


def check_path(
    certificate: x509.Certificate, trusted: TrustedRoots, moment: datetime, what: str
) -> None:
    """A certificate leads to a trusted root, and all on the way were valid at a moment.

    Each is issued by the next (name and signature), each CA may issue and its path length suffices.
    Whether one was revoked is not asked. Raises ProofError; what: names the certificate in it.
    """
    current = certificate
    for cas_below in range(_LONGEST):
        if not current.not_valid_before_utc <= moment <= current.not_valid_after_utc:
            raise ProofError(
                f"{what} was not valid, or its CA was not, at {moment:%Y-%m-%d %H:%M}Z"
            )
        if current in trusted.roots:
            return
        above = [it for it in (*trusted.roots, *trusted.between) if it.subject == current.issuer]
        issuers = [it for it in above if it != current and _issued(current, it, cas_below)]
        if not issuers:
            break
        current = issuers[0]
    raise ProofError(f"{what} does not lead to a root CA that you trust")


def spki_sha256(certificate: x509.Certificate) -> str:
    """SHA-256 of SubjectPublicKeyInfo, hexadecimal."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, cas_below: int) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except (
        *(InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError),
        x509.ExtensionNotFound,
    ):
        return False
    length = constraints.path_length
    return constraints.ca and usage.key_cert_sign and (length is None or length >= cas_below)
