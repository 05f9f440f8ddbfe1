"""The shipped NPKI profiles beside a certificate of the clearing institute's test CA."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.authority import AuthorityName, prepare_root
from signerd.pki.certificate import prepare_certificate
from signerd.pki.distinguished_name import tbs_of
from signerd.pki.identify_data import read_identify_data
from signerd.pki.issuer import IssuerInfo
from signerd.pki.profile_directory import load_profile, shipped_profiles
from tests.pki.npki import RSA, SAMPLE, npki_certificate, sample_issuer
from tests.pki.software_authority import NOW, SERIAL, Authority, shipped
from tests.pki.software_token import sign, spki_for

NPKI_PROFILES = ("npki-personal", "npki-personal-banking", "npki-corporate")
_SAMPLE_SETTINGS = (
    ('country = "kr"', 'country = "kr"\norganization = "yessign"'),
    ('"K bank"', '"INITECH"'),
    ('"089"', '"091"'),
    ("http://pki.bank.example/cps", "http://snoopy.yessign.or.kr/cps.htm"),
    ("{publisher}/ocsp", "http://snoopy.yessign.or.kr:4612"),
    (
        "{publisher}/crl/issuing.crl",
        (
            "ldap://snoopy.yessign.or.kr:6020/ou=dp18p395,ou=AccreditedCA,o=yessign,c=kr"
            "?certificateRevocationList"
        ),
    ),
)


def test_the_banking_profile_makes_the_sample_byte_for_byte(folder: Path) -> None:
    """With the sample's names, addresses, key and times, npki-personal-banking gives its
    TBSCertificate; only the serial number, which has to be as random as ours, is put in."""
    path = folder / "npki-personal-banking.toml"
    text = shipped_profiles()[path.name].decode()
    for ours, theirs in _SAMPLE_SETTINGS:
        assert text.count(ours) == 1, ours
        text = text.replace(ours, theirs)
    path.write_text(text, encoding="utf-8")
    sample = x509.load_der_x509_certificate(SAMPLE)
    data = read_identify_data(SAMPLE)
    assert data is not None
    prepared = prepare_certificate(
        load_profile(path),
        sample_issuer(),
        SubjectRecord("HKD(KILDONG.HONG)", branch="041"),
        spki=sample.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        serial=SERIAL,
        not_before_utc=sample.not_valid_before_utc,
        not_after_utc=sample.not_valid_after_utc,
        identity=HolderIdentity(data.real_name, data.virtual_id, b""),
        running_number=191000030,
    )
    expected = tbs_of(SAMPLE)
    expected.serial = SERIAL
    assert prepared.tbs == asn1.encode_der(expected)


@pytest.mark.parametrize("name", NPKI_PROFILES)
def test_the_structure_is_the_samples(name: str) -> None:
    """Tags, OIDs, order and criticality are the same from the subject to the last extension, in
    every shipped NPKI profile."""
    ours, theirs = (tbs_of(der) for der in (npki_certificate(shipped(name)), SAMPLE))
    assert asn1.encode_der(ours.algorithm) == asn1.encode_der(theirs.algorithm)
    assert [shape(asn1.encode_der(one)) for rdn in ours.subject for one in rdn.as_list()] == [
        shape(asn1.encode_der(one)) for rdn in theirs.subject for one in rdn.as_list()
    ]
    assert shape(asn1.encode_der(ours.validity)) == shape(asn1.encode_der(theirs.validity))
    assert shape(asn1.encode_der(ours.public_key)) == shape(asn1.encode_der(theirs.public_key))
    assert [one.oid for one in ours.extensions] == [one.oid for one in theirs.extensions]
    for own, other in zip(ours.extensions, theirs.extensions, strict=True):
        assert own.critical == other.critical
        assert without_names(shape(own.value)) == without_names(shape(other.value))


def test_the_shape_shows_what_differs() -> None:
    """Another string type, order or OID changes the shape, another value does not."""
    utf8, printable = bytes.fromhex("30030c0161"), bytes.fromhex("3003130161")
    assert shape(utf8) == shape(bytes.fromhex("30040c026262")) == ("30", (("0c", ""),))
    assert shape(utf8) != shape(printable)
    assert shape(bytes.fromhex("300406022a03")) != shape(bytes.fromhex("300406022a04"))
    assert shape(bytes.fromhex("30050500010100")) != shape(bytes.fromhex("30050101000500"))


Shape = tuple[str, "str | tuple[Shape, ...]"]

_CONSTRUCTED = 0x20
_OID = 0x06
_POLICY_ARC = "2a831a8c9a450101"
_DIRECTORY_NAME = "a4"


def shape(der: bytes) -> Shape:
    """The tags of a DER element as a tree, with the OIDs; other values and lengths left out.

    Policies of the clearing institute count as one.
    """
    (only,) = elements(der)
    return only


def elements(der: bytes) -> tuple[Shape, ...]:
    """The shapes of elements one after another. Raises AssertionError for what is not DER."""
    found: list[Shape] = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        content, der = der[start : start + length], der[start + length :]
        assert len(content) == length
        if tag & _CONSTRUCTED:
            found.append((f"{tag:02x}", elements(content)))
        elif tag == _OID:
            oid = content.hex()
            found.append(("06", _POLICY_ARC if oid.startswith(_POLICY_ARC) else oid))
        else:
            found.append((f"{tag:02x}", ""))
    return tuple(found)


def without_names(tree: Shape) -> Shape:
    """The tree with CA names, which are the hierarchy's and not the profile's, left out."""
    tag, content = tree
    if tag == _DIRECTORY_NAME:
        return tag, ""
    return tag, content if isinstance(content, str) else tuple(map(without_names, content))


def test_long_ca_names_are_named_in_full() -> None:
    """A CA below one of 64 Korean characters is named by it in authorityKeyIdentifier; reading it
    raises no warning about octets."""
    prepared = prepare_root(
        AuthorityName("KR", "은" * 64, "루" * 64),
        RSA,
        spki=spki_for(RSA, "issuing"),
        serial=SERIAL,
        now_utc=NOW,
        years=20,
    )
    root = prepared.assemble(sign(RSA, prepared.message, "issuing"))
    above = Authority(root, root, RSA, IssuerInfo(root, RSA))
    leaf = npki_certificate(shipped("npki-personal"), above)
    # As issuer, and within authorityKeyIdentifier, which openssl shows only in part.
    assert leaf.count(("루" * 64).encode()) == 2
