"""X.509 structures as they lie in DER, for what a parsed certificate hides or alters.

The parsed view of `cryptography` refuses duplicate extensions, does not tell UTCTime from
GeneralizedTime, and measures names in octets where X.520 counts characters; lint and assembly need
the structure itself. Decoding is strict: every function raises ValueError for anything but DER.
"""

from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1


@asn1.sequence
class CertificateDer:
    """Certificate (RFC 5280, 4.1). A CertificateList (5.1) and a CertificationRequest (RFC 2986,
    4.2) are put together in the same way."""

    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class AttributeDer:
    """AttributeTypeAndValue (RFC 5280, 4.1.2.4)."""

    oid: x509.ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class ValidityDer:
    """Validity (RFC 5280, 4.1.2.5)."""

    not_before: asn1.UTCTime | asn1.GeneralizedTime
    not_after: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class ExtensionDer:
    """Extension (RFC 5280, 4.1); value is the DER inside the OCTET STRING."""

    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class TbsCertificateDer:
    """TBSCertificate (RFC 5280, 4.1) of a version 3 certificate with extensions.

    Unique identifiers are not part of it: 4.1.2.8 forbids them to conforming CAs.
    """

    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: list[asn1.SetOf[AttributeDer]]
    validity: ValidityDer
    subject: list[asn1.SetOf[AttributeDer]]
    public_key: asn1.TLV
    extensions: Annotated[list[ExtensionDer], asn1.Explicit(3)]


@asn1.sequence
class TbsCertListDer:
    """TBSCertList (RFC 5280, 5.1) of a version 2 CRL; entries and extensions as they are."""

    version: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    this_update: asn1.UTCTime | asn1.GeneralizedTime
    next_update: asn1.UTCTime | asn1.GeneralizedTime
    revoked: list[asn1.TLV] | None
    extensions: Annotated[list[asn1.TLV], asn1.Explicit(0)]


@asn1.sequence
class PublicKeyDer:
    """SubjectPublicKeyInfo (RFC 5280, 4.1)."""

    algorithm: asn1.TLV
    key: asn1.BitString


@asn1.sequence
class RequestInfoDer:
    """CertificationRequestInfo (RFC 2986, 4.1)."""

    version: int
    subject: asn1.TLV
    public_key: asn1.TLV
    attributes: Annotated[asn1.SetOf[asn1.TLV], asn1.Implicit(0)]


@asn1.sequence
class HashIdentifierDer:
    """AlgorithmIdentifier of a hash, with the NULL that clients send and expect."""

    oid: x509.ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class CertIdDer:
    """CertID (RFC 6960, 4.1.1)."""

    hash: HashIdentifierDer
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int


@asn1.sequence
class SingleResponseDer:
    """SingleResponse (RFC 6960, 4.2.1). status: CertStatus, a CHOICE by its tag."""

    cert_id: CertIdDer
    status: asn1.TLV
    this_update: asn1.GeneralizedTime
    next_update: Annotated[asn1.GeneralizedTime, asn1.Explicit(0)]


@asn1.sequence
class ResponseDataDer:
    """ResponseData (RFC 6960, 4.2.1), version 1, its responder named by the hash of its key."""

    responder_key_hash: Annotated[bytes, asn1.Explicit(2)]
    produced_at: asn1.GeneralizedTime
    responses: list[SingleResponseDer]
    extensions: Annotated[list[ExtensionDer] | None, asn1.Explicit(1)]


@asn1.sequence
class BasicOcspResponseDer:
    """BasicOCSPResponse (RFC 6960, 4.2.1)."""

    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString
    certificates: Annotated[list[asn1.TLV], asn1.Explicit(0)]


@asn1.sequence
class ResponseBytesDer:
    """ResponseBytes (RFC 6960, 4.2.1); response is the DER inside the OCTET STRING."""

    type: x509.ObjectIdentifier
    response: bytes


@asn1.sequence
class OcspResponseDer:
    """OCSPResponse (RFC 6960, 4.2.1) with an answer. status: an ENUMERATED."""

    status: asn1.TLV
    bytes: Annotated[ResponseBytesDer, asn1.Explicit(0)]
