"""identifyData, the alternative name that carries a holder's real name and VID (KCAC.TS.CERTPROF).

IdentifyData ::= SEQUENCE { realName UTF8String, userInfo SEQUENCE OF AttributeTypeAndValue }, here
with the VID as only information: SEQUENCE { hashAlg AlgorithmIdentifier, virtualID [0] EXPLICIT
OCTET STRING }.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1

from signerd.core.algorithm import Hash

CERTIFIED_HASH: Final = Hash.SHA256
"""What the virtual IDs in our certificates are made with."""

IDENTIFY_DATA: Final = x509.ObjectIdentifier("1.2.410.200004.10.1.1")
_VID: Final = x509.ObjectIdentifier("1.2.410.200004.10.1.1.1")
# RFC 5754, section 2: written without parameters.
_HASHES: Final = {
    Hash.SHA256: x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
    Hash.SHA384: x509.ObjectIdentifier("2.16.840.1.101.3.4.2.2"),
    Hash.SHA512: x509.ObjectIdentifier("2.16.840.1.101.3.4.2.3"),
}


@dataclass(frozen=True, slots=True)
class IdentifyData:
    """Who holds a certificate. virtual_id: made with hash; see signerd.pki.vid."""

    real_name: str
    hash: Hash
    virtual_id: bytes


@asn1.sequence
class _AlgorithmDer:
    oid: x509.ObjectIdentifier


@asn1.sequence
class _VidDer:
    algorithm: _AlgorithmDer
    virtual_id: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _UserInfoDer:
    oid: x509.ObjectIdentifier
    value: _VidDer


@asn1.sequence
class _IdentifyDataDer:
    real_name: str
    user_info: list[_UserInfoDer]


def identify_data_name(data: IdentifyData) -> x509.OtherName:
    """The otherName for a subjectAltName."""
    vid = _VidDer(algorithm=_AlgorithmDer(oid=_HASHES[data.hash]), virtual_id=data.virtual_id)
    info = [_UserInfoDer(oid=_VID, value=vid)]
    encoded = asn1.encode_der(_IdentifyDataDer(real_name=data.real_name, user_info=info))
    return x509.OtherName(IDENTIFY_DATA, encoded)


def decode_identify_data(der: bytes) -> IdentifyData:
    """Back from the value of the otherName. Raises ValueError for anything but one VID."""
    decoded = asn1.decode_der(_IdentifyDataDer, der)
    if [info.oid for info in decoded.user_info] != [_VID]:
        raise ValueError("userInfo is not exactly one VID")
    vid = decoded.user_info[0].value
    for hash_, oid in _HASHES.items():
        if oid == vid.algorithm.oid:
            return IdentifyData(decoded.real_name, hash_, vid.virtual_id)
    raise ValueError("the VID is made with an unknown hash")


def read_identify_data(certificate_der: bytes) -> IdentifyData | None:
    """What a certificate says of its holder; None when it has no identifyData.

    Raises ValueError when it cannot be read.
    """
    certificate = x509.load_der_x509_certificate(certificate_der)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    found = [name for name in names.get_values_for_type(x509.OtherName) if _is_ours(name)]
    if len(found) > 1:
        raise ValueError("the certificate has more than one identifyData")
    return decode_identify_data(found[0].value) if found else None


def _is_ours(name: x509.OtherName) -> bool:
    return name.type_id == IDENTIFY_DATA
