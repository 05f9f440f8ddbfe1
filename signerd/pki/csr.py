"""PKCS#10 requests (RFC 2986): only the public key is taken, and only if its holder signed."""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes

from signerd.core.error import InvalidRequest
from signerd.pki.der import RequestInfoDer
from signerd.pki.key import (
    KeyKind,
    PublicKey,
    UnusableKeyError,
    describe_key,
    kind_of,
    require_usable,
    spki_of,
)

MAX_CSR_BYTES: Final = 16_384
_SHA2: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class ParsedCsr:
    """What is taken of a request. spki: SubjectPublicKeyInfo, DER; description: for people."""

    spki: bytes
    kind: KeyKind
    description: str


def parse_csr(data: bytes) -> ParsedCsr:
    """Check a request, DER or PEM, of at most MAX_CSR_BYTES.

    Raises InvalidRequest (field csr) with reason CSR_TOO_LARGE, CSR_MALFORMED, CSR_KEY_TYPE
    (foreign type, curve or encoding of the key), CSR_KEY_WEAK, CSR_SIGNATURE_WEAK (a hash other
    than SHA-2) or CSR_SIGNATURE_INVALID.
    """
    if len(data) > MAX_CSR_BYTES:
        raise _invalid(f"the CSR has more than {MAX_CSR_BYTES} bytes", "CSR_TOO_LARGE")
    request = _load(data)
    key = _key_of(request)
    _check_signature(request)
    return ParsedCsr(spki_of(key), kind_of(key), describe_key(key))


def _load(data: bytes) -> x509.CertificateSigningRequest:
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_csr(data)
        return x509.load_der_x509_csr(data)
    except ValueError as error:
        raise _invalid("the CSR is not a PKCS#10 request in DER or PEM", "CSR_MALFORMED") from error


def _key_of(request: x509.CertificateSigningRequest) -> PublicKey:
    try:
        key = require_usable(request.public_key())
        info = asn1.decode_der(RequestInfoDer, request.tbs_certrequest_bytes)
    except UnusableKeyError as error:
        reason = "CSR_KEY_WEAK" if error.is_weak else "CSR_KEY_TYPE"
        raise _invalid(f"{error}", reason) from error
    except UnsupportedAlgorithm as error:
        raise _invalid(
            "the key is none of RSA, ECDSA P-256, ECDSA P-384 and Ed25519", "CSR_KEY_TYPE"
        ) from error
    except ValueError as error:
        raise _invalid("the CSR or its public key cannot be read", "CSR_MALFORMED") from error
    if asn1.encode_der(info.public_key) != spki_of(key):
        raise _invalid(
            "the public key is not in its usual encoding (rsaEncryption with NULL parameters, "
            "named curve with uncompressed point)",
            "CSR_KEY_TYPE",
        )
    return key


def _check_signature(request: x509.CertificateSigningRequest) -> None:
    try:
        hash_ = request.signature_hash_algorithm
        if hash_ is not None and not isinstance(hash_, _SHA2):
            raise _invalid(
                f"the CSR is signed with {hash_.name}; sign it with SHA-256 or stronger",
                "CSR_SIGNATURE_WEAK",
            )
        is_valid = request.is_signature_valid
    except (UnsupportedAlgorithm, ValueError, TypeError):
        is_valid = False
    if not is_valid:
        raise _invalid(
            "the CSR is not signed by its own key: make a new one with the key's owner",
            "CSR_SIGNATURE_INVALID",
        )


def _invalid(message: str, reason: str) -> InvalidRequest:
    return InvalidRequest(message, reason=reason, field="csr")
