"""OCSP requests (RFC 6960, 4.1) for one certificate, as RFC 5019 has them."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.x509 import ocsp

from signerd.core.error import InvalidRequest
from signerd.pki.der import PublicKeyDer
from signerd.pki.issuer import IssuerInfo

# A request has about 80 bytes, with nonce 120; the rest is room for a signature, which is ignored.
MAX_OCSP_REQUEST_BYTES: Final = 4096
# Base64 makes 4 characters of 3 bytes, percent-encoding at most 3 of one.
_MAX_PATH_LENGTH: Final = MAX_OCSP_REQUEST_BYTES * 4
# RFC 8954, 2.1.
_MAX_NONCE_OCTETS: Final = 32


class CertIdHash(StrEnum):
    """Hashes that requests name certificates with; the value is the name that hashlib knows.

    SHA-1 protects nothing here and is what most clients use (RFC 5019, 2.1.1).
    """

    SHA1 = "sha1"
    SHA256 = "sha256"


class MalformedOcspRequest(InvalidRequest):
    """To be answered by OcspRefusal.MALFORMED_REQUEST."""

    default_reason = "OCSP_REQUEST_MALFORMED"


@dataclass(frozen=True, slots=True)
class OcspQuery:
    """What a request asks. names_issuer: whether the certificate it names is of our issuing CA; if
    not, OcspRefusal.UNAUTHORIZED is the answer (RFC 5019, 2.2.3). nonce: to be echoed."""

    serial: int
    hash: CertIdHash = CertIdHash.SHA1
    names_issuer: bool = True
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class IssuerHashes:
    """issuerNameHash and issuerKeyHash of a CertID."""

    name: bytes
    key: bytes


@lru_cache(maxsize=32)
def issuer_hashes(issuer: IssuerInfo, hash_: CertIdHash) -> IssuerHashes:
    """What names the issuer in a CertID: hashes of its name (DER) and of its key's BIT STRING."""
    return IssuerHashes(_digest(hash_, issuer.name.public_bytes()), key_hash(issuer.spki, hash_))


def key_hash(spki: bytes, hash_: CertIdHash) -> bytes:
    """Hash of a public key without tag, length and unused bits (RFC 6960, 4.1.1, KeyHash)."""
    return _digest(hash_, asn1.decode_der(PublicKeyDer, spki).key.as_bytes())


def parse_ocsp_request(der: bytes, issuer: IssuerInfo) -> OcspQuery:
    """Read an OCSPRequest of at most MAX_OCSP_REQUEST_BYTES. A signature on it is ignored.

    Raises MalformedOcspRequest, also for what is well formed and not answered here: more than one
    certificate (RFC 5019, 2.1.1, has one), another hash, a critical extension other than the nonce.
    """
    if len(der) > MAX_OCSP_REQUEST_BYTES:
        raise MalformedOcspRequest(f"the request has more than {MAX_OCSP_REQUEST_BYTES} bytes")
    try:
        request = ocsp.load_der_ocsp_request(der)
        hash_ = CertIdHash(request.hash_algorithm.name)
        nonce = _read_nonce(request.extensions)
        serial = request.serial_number
    except NotImplementedError as error:
        raise MalformedOcspRequest(
            "the request is not about exactly one certificate; send one request for each"
        ) from error
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise MalformedOcspRequest(
            "the request is not an OCSPRequest in DER with a SHA-1 or SHA-256 CertID"
        ) from error
    named = IssuerHashes(request.issuer_name_hash, request.issuer_key_hash)
    return OcspQuery(serial, hash_, named == issuer_hashes(issuer, hash_), nonce)


def parse_ocsp_get(path: str) -> bytes:
    """The request (DER) in the path of a GET (RFC 6960, A.1): base64, percent-encoded as it came,
    with what stands before it removed. Raises MalformedOcspRequest.

    Some clients leave `/`, `+` and `=` as they are and double the slash before; since a request
    never begins with one in base64, slashes in front are dropped.
    """
    if len(path) > _MAX_PATH_LENGTH:
        raise MalformedOcspRequest(f"the path has more than {_MAX_PATH_LENGTH} characters")
    try:
        return base64.b64decode(unquote(path).lstrip("/"), validate=True)
    except ValueError as error:
        raise MalformedOcspRequest(
            "the path does not end with a base64 OCSPRequest; send it by POST instead"
        ) from error


def _read_nonce(extensions: x509.Extensions) -> bytes | None:
    nonce = None
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            nonce = extension.value.nonce
            if not 1 <= len(nonce) <= _MAX_NONCE_OCTETS:
                raise MalformedOcspRequest(f"a nonce has 1 to {_MAX_NONCE_OCTETS} octets")
        elif extension.critical:
            raise MalformedOcspRequest(
                f"the critical extension {extension.oid.dotted_string} is not known"
            )
    return nonce


def _digest(hash_: CertIdHash, data: bytes) -> bytes:
    return hashlib.new(hash_.value, data, usedforsecurity=False).digest()
