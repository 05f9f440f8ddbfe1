"""Check a time stamp (RFC 3161) in a proof."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd_client.audit_proof import ProofError
from signerd_client.der import (
    CONTEXT_0,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Element,
    object_identifier,
    read_element,
)
from signerd_client.path_check import TrustedRoots, check_path, read_certificates
from signerd_client.signature_check import ED25519, is_signature_over

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
_ED25519: Final = "1.3.101.112"
_PSS: Final = "1.2.840.113549.1.1.10"
_HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
)
_TIME: Final = re.compile(r"([0-9]{14})(?:\.([0-9]{1,6}))?Z")


@dataclass(frozen=True, slots=True)
class _Token:
    """What is looked at of a TimeStampToken. content: TSTInfo, DER. serial: of the signer's
    certificate, certificate_sha256: its hash. signed: the attributes as they are signed."""

    content: bytes
    certificates: list[bytes]
    serial: int
    hash: str
    message_digest: bytes
    certificate_sha256: bytes
    signed: bytes
    algorithm: str
    signature: bytes


def check_time_stamp(token: bytes, stamped: bytes, trusted: TrustedRoots) -> datetime:
    """The time (UTC) at which an authority saw `stamped`.

    Its certificate is in the token, is for time stamps and nothing else (RFC 3161, 2.3), and leads
    to a trusted root. Raises ProofError.
    """
    try:
        parsed = _parse(token)
        imprint, moment = _parse_info(parsed.content)
    except (ValueError, KeyError, IndexError):
        raise ProofError("the time stamp in the proof cannot be read") from None
    name, digest = imprint
    if hashlib.new(name, stamped).digest() != digest:
        raise ProofError("the time stamp is of something else than this checkpoint")
    certificate = _authority(parsed)
    content_digest = hashlib.new(parsed.hash, parsed.content).digest()
    if parsed.message_digest != content_digest:
        raise ProofError("the time stamp was changed after it was signed")
    if not is_signature_over(certificate, parsed.algorithm, parsed.signature, parsed.signed):
        raise ProofError("the time stamp does not have the signature of its authority")
    check_path(certificate, trusted, moment, "the certificate of the time-stamping authority")
    return moment


def _authority(parsed: _Token) -> x509.Certificate:
    read = read_certificates(parsed.certificates)
    for der, certificate in zip(parsed.certificates, read, strict=True):
        if certificate.serial_number != parsed.serial:
            continue
        if hashlib.sha256(der).digest() != parsed.certificate_sha256:
            continue
        try:
            usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except (x509.ExtensionNotFound, ValueError):
            break
        if usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]:
            return certificate
    raise ProofError("the time stamp has no certificate of a time-stamping authority")


def _parse(token: bytes) -> _Token:
    """ContentInfo of SignedData with one signer (RFC 5652, 5)."""
    kind, wrapped = read_element(token).expect(SEQUENCE).parts()
    _require(object_identifier(kind), _SIGNED_DATA)
    _version, _digests, content, *rest = wrapped.expect(CONTEXT_0).single().parts()
    content_kind, content_value = content.expect(SEQUENCE).parts()
    _require(object_identifier(content_kind), _TST_INFO)
    certificates = [it.encoding for part in rest if part.tag == CONTEXT_0 for it in part.parts()]
    signer = rest[-1].expect(SET).single().parts()
    _version, sid, digest, attributes, algorithm, signature, *_ = signer
    _issuer, serial = sid.expect(SEQUENCE).parts()
    values = _attributes(attributes.expect(CONTEXT_0))
    _require(object_identifier(values[_CONTENT_TYPE]), _TST_INFO)
    hash_ = _HASHES[object_identifier(digest.parts()[0])]
    return _Token(
        content=content_value.expect(CONTEXT_0).single().expect(OCTET_STRING).content,
        certificates=certificates,
        serial=int.from_bytes(serial.expect(INTEGER).content, signed=True),
        hash=hash_,
        message_digest=values[_MESSAGE_DIGEST].expect(OCTET_STRING).content,
        certificate_sha256=_ess_hash(values[_SIGNING_CERTIFICATE_V2]),
        # Signed is the SET that stands there under another tag (RFC 5652, 5.4).
        signed=bytes([SET]) + attributes.encoding[1:],
        algorithm=_algorithm(object_identifier(algorithm.parts()[0]), hash_),
        signature=signature.expect(OCTET_STRING).content,
    )


def _attributes(element: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for attribute in element.parts():
        name, values = attribute.expect(SEQUENCE).parts()
        if object_identifier(name) in found:
            raise ValueError("an attribute stands there twice")
        found[object_identifier(name)] = values.expect(SET).single()
    return found


def _parse_info(content: bytes) -> tuple[tuple[str, bytes], datetime]:
    """Message imprint and genTime of a TSTInfo (RFC 3161, 2.4.2)."""
    _version, _policy, imprint, _serial, time, *_ = read_element(content).expect(SEQUENCE).parts()
    algorithm, digest = imprint.expect(SEQUENCE).parts()
    found = _TIME.fullmatch(time.expect(GENERALIZED_TIME).content.decode("ascii"))
    if found is None:
        raise ValueError("not a time")
    moment = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    moment = moment.replace(microsecond=int((found[2] or "").ljust(6, "0")))
    name = _HASHES[object_identifier(algorithm.parts()[0])]
    return (name, digest.expect(OCTET_STRING).content), moment


def _ess_hash(attribute: Element) -> bytes:
    """SHA-256 of the signer's certificate in a SigningCertificateV2 (RFC 5035, 4)."""
    first = attribute.expect(SEQUENCE).parts()[0].expect(SEQUENCE).parts()[0]
    hash_, *_ = [part for part in first.parts() if part.tag == OCTET_STRING]
    return hash_.content


def _algorithm(identifier: str, hash_: str) -> str:
    """In the words of the daemon's algorithms, as far as signatures are checked by them."""
    if identifier == _ED25519:
        return ED25519
    return f"_PSS_{hash_.upper()}" if identifier == _PSS else f"_{hash_.upper()}"


def _require(found: str, wanted: str) -> None:
    if found != wanted:
        raise ValueError(f"{found} stands where {wanted} belongs")
