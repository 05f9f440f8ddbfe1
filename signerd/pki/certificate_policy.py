"""certificatePolicies (RFC 5280, 4.2.1.4), with the string type and order that the profile wants.

`cryptography` writes every explicitText as UTF8String; Korean accredited certificates hold a
BMPString, which RFC 6818, section 3 allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import CertificatePoliciesOID, ExtensionOID

# explicitText (RFC 5280, appendix A.2), in characters.
MAX_NOTICE_LENGTH: Final = 200


class NoticeType(StrEnum):
    """String types of explicitText."""

    UTF8_STRING = "UTF8String"
    BMP_STRING = "BMPString"


_TAGS: Final = {NoticeType.UTF8_STRING: b"\x0c", NoticeType.BMP_STRING: b"\x1e"}
_CODECS: Final = {NoticeType.UTF8_STRING: "utf-8", NoticeType.BMP_STRING: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class CertificatePolicy:
    """A certificate policy. notice: text shown to relying parties; cps_uri: the practice
    statement. Empty means absent."""

    oid: x509.ObjectIdentifier
    cps_uri: str = ""
    notice: str = ""
    notice_type: NoticeType = NoticeType.UTF8_STRING


@asn1.sequence
class _UserNoticeDer:
    explicit_text: asn1.TLV


@asn1.sequence
class _QualifierDer:
    oid: x509.ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _PolicyDer:
    oid: x509.ObjectIdentifier
    qualifiers: list[_QualifierDer] | None


@asn1.sequence
class _PoliciesDer:
    """The library encodes and decodes a SEQUENCE OF only inside something."""

    policies: list[_PolicyDer]


@asn1.sequence
class _OuterDer:
    inner: asn1.TLV


def certificate_policies(policies: Sequence[CertificatePolicy]) -> x509.UnrecognizedExtension:
    """The extension; the notice stands before the practice statement."""
    outer = asn1.encode_der(_PoliciesDer(policies=[_policy(policy) for policy in policies]))
    der = bytes(asn1.decode_der(asn1.TLV, outer).data)
    return x509.UnrecognizedExtension(ExtensionOID.CERTIFICATE_POLICIES, der)


def decode_policies(der: bytes) -> tuple[CertificatePolicy, ...]:
    """Back from the value of the extension.

    Raises ValueError for qualifiers other than one notice without reference and one practice
    statement, and for other string types.
    """
    outer = asn1.encode_der(_OuterDer(inner=asn1.decode_der(asn1.TLV, der)))
    return tuple(_read(policy) for policy in asn1.decode_der(_PoliciesDer, outer).policies)


def _policy(policy: CertificatePolicy) -> _PolicyDer:
    qualifiers = []
    if policy.notice:
        text = _string(_TAGS[policy.notice_type], policy.notice.encode(_CODECS[policy.notice_type]))
        notice = _tlv(asn1.encode_der(_UserNoticeDer(explicit_text=text)))
        qualifiers.append(_QualifierDer(oid=CertificatePoliciesOID.CPS_USER_NOTICE, value=notice))
    if policy.cps_uri:
        uri = _tlv(asn1.encode_der(asn1.IA5String(policy.cps_uri)))
        qualifiers.append(_QualifierDer(oid=CertificatePoliciesOID.CPS_QUALIFIER, value=uri))
    return _PolicyDer(oid=policy.oid, qualifiers=qualifiers or None)


def _read(policy: _PolicyDer) -> CertificatePolicy:
    given = policy.qualifiers or []
    qualifiers = {one.oid: one.value for one in given}
    has_repeated = len(qualifiers) != len(given)
    cps = qualifiers.pop(CertificatePoliciesOID.CPS_QUALIFIER, None)
    notice = qualifiers.pop(CertificatePoliciesOID.CPS_USER_NOTICE, None)
    if qualifiers or has_repeated:
        raise ValueError("a policy has an unknown or repeated qualifier")
    uri = "" if cps is None else asn1.decode_der(asn1.IA5String, asn1.encode_der(cps)).as_str()
    if notice is None:
        return CertificatePolicy(policy.oid, uri)
    text = asn1.decode_der(_UserNoticeDer, asn1.encode_der(notice)).explicit_text
    for type_, tag in _TAGS.items():
        if text.tag_bytes == tag:
            return CertificatePolicy(
                policy.oid, uri, bytes(text.data).decode(_CODECS[type_]), type_
            )
    raise ValueError("explicitText is neither UTF8String nor BMPString")


def _string(tag: bytes, content: bytes) -> asn1.TLV:
    # The length is that of an OCTET STRING, whose tag has one byte as well.
    return _tlv(tag + asn1.encode_der(content)[1:])


def _tlv(der: bytes) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, der)
