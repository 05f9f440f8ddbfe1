"""Distinguished names between DER, text and the library's type, without its octet limit.

X.520 counts the upper bound of a common name in characters (RFC 5280, appendix A.1); `cryptography`
counts UTF-8 octets, so that a Korean name of 22 characters is refused when written and warned about
when read. Names are therefore written and read here and nowhere else.
"""

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.name import _ASN1_TYPE_TO_ENUM, _ASN1Type

from signerd.pki.der import AttributeDer, CertificateDer, TbsCertificateDer

_CODECS = {
    _ASN1Type.UTF8String: "utf-8",
    _ASN1Type.PrintableString: "ascii",
    _ASN1Type.IA5String: "ascii",
    _ASN1Type.NumericString: "ascii",
    _ASN1Type.VisibleString: "ascii",
    _ASN1Type.T61String: "latin-1",
    _ASN1Type.BMPString: "utf-16-be",
    _ASN1Type.UniversalString: "utf-32-be",
}


class _Attribute(x509.NameAttribute[str]):
    """An attribute whose value the library does not measure: it sees a placeholder that fits every
    bound, and takes the real value from the property when it encodes."""

    def __init__(self, oid: x509.ObjectIdentifier, text: str, type_: _ASN1Type | None) -> None:
        super().__init__(oid, "KR", type_)
        self._text = text

    @property
    def value(self) -> str:
        return self._text


def name_of(attributes: Iterable[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    """A name of one attribute per RDN, in this order: UTF8String, country PrintableString."""
    return x509.Name([_Attribute(oid, text, None) for oid, text in attributes])


def tbs_of(certificate_der: bytes) -> TbsCertificateDer:
    """The structure that was signed. Raises ValueError."""
    outer = asn1.decode_der(CertificateDer, certificate_der)
    return asn1.decode_der(TbsCertificateDer, asn1.encode_der(outer.tbs))


def read_name(rdns: list[asn1.SetOf[AttributeDer]]) -> x509.Name:
    """The name as it was encoded, string types included. Raises ValueError."""
    return x509.Name(
        [x509.RelativeDistinguishedName([_read(one) for one in rdn.as_list()]) for rdn in rdns]
    )


def display_name(name: x509.Name) -> str:
    """RFC 4514 string: most specific attribute first, non-ASCII characters as they are."""
    return name.rfc4514_string()


def _read(attribute: AttributeDer) -> _Attribute:
    type_ = _ASN1_TYPE_TO_ENUM.get(attribute.value.tag_bytes[0])
    if type_ not in _CODECS:
        raise ValueError(f"{attribute.oid.dotted_string} is not a string")
    return _Attribute(attribute.oid, bytes(attribute.value.data).decode(_CODECS[type_]), type_)


def shown_subject(certificate_der: bytes) -> str:
    """display_name of whoever's certificate; empty where its subject cannot be read."""
    try:
        return display_name(read_name(tbs_of(certificate_der).subject))
    except ValueError:
        return ""
