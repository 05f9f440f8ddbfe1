"""OCSP responses (RFC 6960, 4.2), one certificate each as in RFC 5019; signed elsewhere.

They are encoded here, since the library's builder takes producedAt from the clock of the machine
and makes no RSASSA-PSS signatures.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtendedKeyUsageOID, OCSPExtensionOID

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.core.lifecycle import RevocationReason
from signerd.pki.assembly import Prepared, algorithm_identifier, require_signature
from signerd.pki.der import (
    BasicOcspResponseDer,
    CertIdDer,
    ExtensionDer,
    HashIdentifierDer,
    OcspResponseDer,
    ResponseBytesDer,
    ResponseDataDer,
    SingleResponseDer,
)
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import UnusableKeyError, check_key_algorithm, require_usable, spki_of
from signerd.pki.ocsp_request import (
    MAX_OCSP_REQUEST_BYTES,
    CertIdHash,
    MalformedOcspRequest,
    OcspQuery,
    issuer_hashes,
    key_hash,
    parse_ocsp_get,
    parse_ocsp_request,
)

__all__ = [
    "MAX_OCSP_REQUEST_BYTES",
    "CertIdHash",
    "MalformedOcspRequest",
    "OcspQuery",
    "OcspRefusal",
    "OcspResponder",
    "OcspRevoked",
    "OcspStatus",
    "PreparedOcspResponse",
    "assemble_ocsp_response",
    "parse_ocsp_get",
    "parse_ocsp_request",
    "prepare_ocsp_response",
]

_HASH_OIDS: Final = {
    CertIdHash.SHA1: x509.ObjectIdentifier("1.3.14.3.2.26"),
    CertIdHash.SHA256: x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
}
_BASIC: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1")
# ENUMERATED successful(0).
_SUCCESSFUL: Final = asn1.decode_der(asn1.TLV, b"\x0a\x01\x00")


class OcspRefusal(IntEnum):
    """OCSPResponseStatus of responses without an answer (RFC 6960, 4.2.1), which nobody signs."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6

    @property
    def der(self) -> bytes:
        """The response: SEQUENCE { ENUMERATED }."""
        return bytes((0x30, 3, 0x0A, 1, self))


class OcspStatus(Enum):
    """CertStatus of a certificate that is not revoked: [0] and [2] IMPLICIT NULL."""

    GOOD = b"\x80\x00"
    UNKNOWN = b"\x82\x00"


@dataclass(frozen=True, slots=True)
class OcspRevoked:
    """Revoked, or with CERTIFICATE_HOLD suspended, since a time (UTC)."""

    since_utc: datetime
    reason: RevocationReason

    def encode(self) -> bytes:
        """CertStatus: [1] IMPLICIT RevokedInfo. No reason stands for unspecified, as in CRLs."""
        time = f"{_second(self.since_utc):%Y%m%d%H%M%SZ}".encode()
        content = bytes((0x18, len(time))) + time
        if self.reason is not RevocationReason.UNSPECIFIED:
            content += bytes((0xA0, 3, 0x0A, 1, self.reason))
        return bytes((0xA1, len(content))) + content


@dataclass(frozen=True, slots=True)
class OcspResponder:
    """A delegated OCSP signer (RFC 6960, 4.2.2.2), read once. certificate: DER; algorithm: of its
    key; not_after_utc: when its answers stop being accepted.

    Raises Internal (RESPONDER_UNUSABLE, KEY_ALGORITHM_MISMATCH).
    """

    certificate: bytes
    algorithm: KeyAlgorithm
    parsed: x509.Certificate = field(init=False, repr=False, compare=False)
    spki: bytes = field(init=False, repr=False, compare=False)
    key_hash: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parsed = x509.load_der_x509_certificate(self.certificate)
            usage = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            spki = spki_of(require_usable(parsed.public_key()))
        except (ValueError, UnusableKeyError, x509.ExtensionNotFound) as error:
            raise _unusable("cannot be read or has no extendedKeyUsage") from error
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
            raise _unusable("is not for OCSPSigning")
        check_key_algorithm(spki, self.algorithm)
        object.__setattr__(self, "parsed", parsed)
        object.__setattr__(self, "spki", spki)
        object.__setattr__(self, "key_hash", key_hash(spki, CertIdHash.SHA1))

    @property
    def not_after_utc(self) -> datetime:
        return self.parsed.not_valid_after_utc


@dataclass(frozen=True, slots=True)
class PreparedOcspResponse(Prepared):
    """A response without its signature. tbs: ResponseData, DER; certificate: the signer's, DER."""

    certificate: bytes

    def assemble(self, signature: bytes) -> bytes:
        """The response (DER), its signature verified. Raises Internal (SIGNATURE_WRONG)."""
        return assemble_ocsp_response(self, signature)


def prepare_ocsp_response(
    responder: OcspResponder,
    issuer: IssuerInfo,
    query: OcspQuery,
    status: OcspStatus | OcspRevoked,
    *,
    this_update_utc: datetime,
    next_update_utc: datetime,
    produced_at_utc: datetime | None = None,
) -> PreparedOcspResponse:
    """Encode the answer to a query, its nonce echoed, times cut to whole seconds.

    To sign ahead, make a query of the serial number alone: OcspQuery(serial). this_update_utc,
    next_update_utc: when status was known to be right, and when to ask again; produced_at_utc: None
    for the former. Raises Internal (LINT_FAILED, RESPONDER_UNUSABLE).
    """
    _require_delegated(responder, issuer)
    this_update, next_update = _second(this_update_utc), _second(next_update_utc)
    produced_at = this_update if produced_at_utc is None else _second(produced_at_utc)
    if not query.names_issuer:
        raise _unsound("the certificate asked about is another CA's")
    if not this_update <= produced_at < next_update:
        raise _unsound("thisUpdate, producedAt and nextUpdate are not in this order")
    single = SingleResponseDer(
        cert_id=_cert_id(issuer, query),
        status=asn1.decode_der(asn1.TLV, _encode_status(status)),
        this_update=asn1.GeneralizedTime(this_update),
        next_update=asn1.GeneralizedTime(next_update),
    )
    data = ResponseDataDer(
        responder_key_hash=responder.key_hash,
        produced_at=asn1.GeneralizedTime(produced_at),
        responses=[single],
        extensions=None if query.nonce is None else [_encode_nonce(query.nonce)],
    )
    return PreparedOcspResponse(
        asn1.encode_der(data), responder.algorithm, responder.spki, responder.certificate
    )


def assemble_ocsp_response(prepared: PreparedOcspResponse, signature: bytes) -> bytes:
    """The response (DER) with the signer's certificate, verified with its key.

    Raises Internal (SIGNATURE_WRONG).
    """
    tbs, algorithm = prepared.tbs, prepared.algorithm
    require_signature(tbs, algorithm, prepared.signer_spki, signature, title="OCSP response")
    basic = BasicOcspResponseDer(
        tbs=asn1.decode_der(asn1.TLV, tbs),
        algorithm=algorithm_identifier(algorithm),
        signature=asn1.BitString(signature, 0),
        certificates=[asn1.decode_der(asn1.TLV, prepared.certificate)],
    )
    body = ResponseBytesDer(type=_BASIC, response=asn1.encode_der(basic))
    return asn1.encode_der(OcspResponseDer(status=_SUCCESSFUL, bytes=body))


@lru_cache(maxsize=32)
def _require_delegated(responder: OcspResponder, issuer: IssuerInfo) -> None:
    """RFC 6960, 4.2.2.2: the CA that is asked about issued the signer's certificate itself."""
    try:
        responder.parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise _unusable("was not issued by the CA whose certificates it answers for") from error


def _cert_id(issuer: IssuerInfo, query: OcspQuery) -> CertIdDer:
    hashes = issuer_hashes(issuer, query.hash)
    return CertIdDer(
        hash=HashIdentifierDer(oid=_HASH_OIDS[query.hash], parameters=asn1.Null()),
        issuer_name_hash=hashes.name,
        issuer_key_hash=hashes.key,
        serial=query.serial,
    )


def _encode_status(status: OcspStatus | OcspRevoked) -> bytes:
    return status.encode() if isinstance(status, OcspRevoked) else status.value


def _encode_nonce(nonce: bytes) -> ExtensionDer:
    return ExtensionDer(oid=OCSPExtensionOID.NONCE, critical=False, value=asn1.encode_der(nonce))


def _second(time: datetime) -> datetime:
    """RFC 6960, 4.2.2.1: as in certificates, no fractions of a second, UTC."""
    return time.astimezone(UTC).replace(microsecond=0)


def _unusable(problem: str) -> Internal:
    return Internal(f"the OCSP signer's certificate {problem}", reason="RESPONDER_UNUSABLE")


def _unsound(problem: str) -> Internal:
    return Internal(f"the OCSP response was not signed: {problem}", reason="LINT_FAILED")
