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
    """Certificate (RFC 5280, 4.1)."""

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
class RequestInfoDer:
    """CertificationRequestInfo (RFC 2986, 4.1)."""

    version: int
    subject: asn1.TLV
    public_key: asn1.TLV
    attributes: Annotated[asn1.SetOf[asn1.TLV], asn1.Implicit(0)]
