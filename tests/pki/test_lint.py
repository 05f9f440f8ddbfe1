"""Each lint rule finds the certificate that breaks it, and nothing else complains of that one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import ExtensionOID, NameOID

from signerd.core.algorithm import Hash, KeyAlgorithm
from signerd.core.error import Internal
from signerd.pki.der import (
    AttributeDer,
    CertificateDer,
    ExtensionDer,
    TbsCertificateDer,
    ValidityDer,
)
from signerd.pki.distinguished_name import tbs_of
from signerd.pki.identify_data import IDENTIFY_DATA, IdentifyData, identify_data_name
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import spki_of
from signerd.pki.lint.linter import (
    CONTENT_RULES,
    STRUCTURE_RULES,
    lint_certificate,
    require_lint_clean,
)
from tests.pki.software_authority import SUBJECT, authority_for, prepare_for, shipped
from tests.pki.software_token import spki_for

EC = KeyAlgorithm.EC_P256_SHA256
PSS = KeyAlgorithm.RSA_2048_PSS_SHA256
AUTHORITY = authority_for(EC)
SHA512_ECDSA = bytes.fromhex("300a06082a8648ce3d040304")

Change = Callable[[TbsCertificateDer], None]


def good_leaf() -> bytes:
    """A certificate that keeps every rule."""
    subject = replace(SUBJECT, dns_names=("a.example",))
    return AUTHORITY.certify(prepare_for(AUTHORITY, shipped("tls-client"), subject, spki_for(EC)))


def changed(certificate: bytes, change: Change) -> bytes:
    """The certificate with its TBS changed; the signature is not looked at."""
    outer, tbs = asn1.decode_der(CertificateDer, certificate), tbs_of(certificate)
    change(tbs)
    outer.tbs = asn1.decode_der(asn1.TLV, asn1.encode_der(tbs))
    outer.algorithm = tbs.algorithm
    return asn1.encode_der(outer)


def rules_broken(certificate: bytes) -> list[str]:
    """Names of the rules that complain of a leaf."""
    return [one.rule for one in lint_certificate(certificate, AUTHORITY.issuer, EC)]


def tlv(der: bytes) -> asn1.TLV:
    """DER as a field of a structure."""
    return asn1.decode_der(asn1.TLV, der)


def serial(value: int) -> Change:
    """Another serial number."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.serial = value

    return change


def validity(
    not_before: asn1.UTCTime | asn1.GeneralizedTime | None = None,
    not_after: asn1.UTCTime | asn1.GeneralizedTime | None = None,
) -> Change:
    """Another time."""

    def change(tbs: TbsCertificateDer) -> None:
        old = tbs.validity
        tbs.validity = ValidityDer(
            not_before=not_before or old.not_before, not_after=not_after or old.not_after
        )

    return change


def utc_time(year: int) -> asn1.UTCTime:
    """The first second of a year."""
    return asn1.UTCTime(datetime(year, 1, 1, tzinfo=UTC))


def without(oid: x509.ObjectIdentifier) -> Change:
    """An extension less."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.extensions = [one for one in tbs.extensions if one.oid != oid]

    return change


def extension(
    kind: x509.ExtensionType | tuple[x509.ObjectIdentifier, bytes], *, critical: bool
) -> Change:
    """An extension in place of the one with the same OID, or added."""
    oid, value = kind if isinstance(kind, tuple) else (kind.oid, kind.public_bytes())

    def change(tbs: TbsCertificateDer) -> None:
        without(oid)(tbs)
        tbs.extensions = [*tbs.extensions, ExtensionDer(oid=oid, critical=critical, value=value)]

    return change


def twice(oid: x509.ObjectIdentifier) -> Change:
    """An extension repeated."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.extensions = [*tbs.extensions, *(one for one in tbs.extensions if one.oid == oid)]

    return change


def subject(*attributes: tuple[x509.ObjectIdentifier, bytes]) -> Change:
    """Another subject; values in DER."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.subject = [
            asn1.SetOf([AttributeDer(oid=oid, value=tlv(value))]) for oid, value in attributes
        ]

    return change


def issuer(*attributes: tuple[x509.ObjectIdentifier, bytes]) -> Change:
    """Another issuer."""

    def change(tbs: TbsCertificateDer) -> None:
        kept = tbs.subject
        subject(*attributes)(tbs)
        tbs.issuer, tbs.subject = tbs.subject, kept

    return change


def public_key(spki: bytes, identifier: bytes | None = None) -> Change:
    """Another key, with the identifier that belongs to it."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.public_key = tlv(spki)
        if identifier is not None:
            extension(x509.SubjectKeyIdentifier(identifier), critical=False)(tbs)

    return change


def algorithm(der: bytes) -> Change:
    """Another AlgorithmIdentifier."""

    def change(tbs: TbsCertificateDer) -> None:
        tbs.algorithm = tlv(der)

    return change


def usage(**bits: bool) -> x509.KeyUsage:
    """A keyUsage of these bits."""
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


def purposes(*oids: x509.ObjectIdentifier, critical: bool) -> Change:
    """An extendedKeyUsage of these."""
    return extension(x509.ExtendedKeyUsage(oids), critical=critical)


def policy(*qualifiers: str | x509.UserNotice) -> x509.PolicyInformation:
    """A policy, always the same, with qualifiers."""
    return x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), list(qualifiers) or None)


def policies(*of: x509.PolicyInformation) -> Change:
    """certificatePolicies of these."""
    return extension(x509.CertificatePolicies(of), critical=False)


def visible_notice(tbs: TbsCertificateDer) -> None:
    """A notice in a VisibleString."""
    der = x509.CertificatePolicies([policy(x509.UserNotice(None, "abc"))]).public_bytes()
    visible = der.replace(b"\x0c\x03abc", b"\x1a\x03abc")
    extension((ExtensionOID.CERTIFICATE_POLICIES, visible), critical=False)(tbs)


def other_names(*names: tuple[x509.ObjectIdentifier, bytes]) -> Change:
    """subjectAltName of other names."""
    others = [x509.OtherName(oid, value) for oid, value in names]
    return extension(x509.SubjectAlternativeName(others), critical=False)


def identified(real_name: str, virtual_id: bytes) -> Change:
    """identifyData of a holder."""
    name = identify_data_name(IdentifyData(real_name, Hash.SHA256, virtual_id))
    return other_names((name.type_id, name.value))


def utf8(text: str) -> bytes:
    """UTF8String."""
    return asn1.encode_der(text)


def printable(text: str) -> bytes:
    """PrintableString."""
    return asn1.encode_der(asn1.PrintableString(text))


def weak_rsa_spki() -> bytes:
    """A key of 1024 bits."""
    return spki_of(rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key())  # noqa: S505 - weak on purpose


def foreign_curve_spki() -> bytes:
    """A key on a curve that is not certified."""
    return spki_of(ec.generate_private_key(ec.SECP521R1()).public_key())


def issuers_key(tbs: TbsCertificateDer) -> None:
    """The issuing CA's own key."""
    public_key(AUTHORITY.issuer.spki, AUTHORITY.issuer.key_identifier)(tbs)


def several_in_one_rdn(tbs: TbsCertificateDer) -> None:
    """C and O in one RDN."""
    first, second, *rest = tbs.subject
    tbs.subject = [asn1.SetOf([*first.as_list(), *second.as_list()]), *rest]


COUNTRY = NameOID.COUNTRY_NAME
ORGANIZATION = NameOID.ORGANIZATION_NAME
UNIT = NameOID.ORGANIZATIONAL_UNIT_NAME
CN = NameOID.COMMON_NAME
SAN = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
HOLDER = identify_data_name(IdentifyData("홍길동", Hash.SHA256, b"x" * 32)).value
SHA256, SHA224 = (bytes.fromhex(f"608648016503040{n}") for n in ("201", "204"))
VID = bytes.fromhex("2a831a8c9a440a010101")
GOOD_CN = (CN, utf8("홍길동"))

BROKEN: list[tuple[str, Change]] = [
    ("serial-number", serial(1 << 157)),
    ("serial-number", serial(5)),
    ("time-encoding", validity(not_after=asn1.GeneralizedTime(datetime(2027, 1, 1, tzinfo=UTC)))),
    ("extension-unique", twice(SAN)),
    ("extension-readable", extension((SAN, b"\x04\x01x"), critical=False)),
    ("extension-readable", extension((ExtensionOID.KEY_USAGE, b"garbage"), critical=True)),
    ("key-strength", public_key(weak_rsa_spki())),
    ("key-strength", public_key(foreign_curve_spki())),
    ("signature-algorithm", algorithm(SHA512_ECDSA)),
    ("issuer-name", issuer((CN, utf8("somebody")))),
    ("issuer-name", issuer()),
    ("validity-period", validity(not_after=utc_time(2001), not_before=utc_time(2002))),
    ("validity-period", validity(not_before=utc_time(2001))),
    ("validity-period", validity(not_after=utc_time(2049))),
    ("subject-name", subject()),
    ("subject-name", subject((CN, utf8("가" * 65)))),
    ("subject-name", subject((CN, utf8("")))),
    ("subject-name", subject((CN, utf8("a\u202eb")))),
    ("subject-name", subject((CN, printable("abc")))),
    ("subject-name", subject((COUNTRY, utf8("KR")), GOOD_CN)),
    ("subject-name", subject((COUNTRY, printable("KOR")), GOOD_CN)),
    ("subject-name", subject(GOOD_CN, (ORGANIZATION, utf8("x")))),
    ("subject-name", subject((ORGANIZATION, utf8("x")), (UNIT, utf8("y")))),
    ("subject-name", subject((ORGANIZATION, utf8("x")), GOOD_CN, GOOD_CN)),
    ("subject-name", subject(GOOD_CN, (NameOID.TITLE, utf8("x")))),
    ("subject-name", several_in_one_rdn),
    ("key-not-issuers", issuers_key),
    ("subject-key-identifier", without(ExtensionOID.SUBJECT_KEY_IDENTIFIER)),
    ("subject-key-identifier", extension(x509.SubjectKeyIdentifier(b"x" * 20), critical=False)),
    ("authority-key-identifier", without(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)),
    (
        "authority-key-identifier",
        extension(x509.AuthorityKeyIdentifier(b"x" * 20, None, None), critical=False),
    ),
    ("key-usage", without(ExtensionOID.KEY_USAGE)),
    ("key-usage", extension(usage(digital_signature=True), critical=False)),
    ("key-usage", extension(usage(crl_sign=True), critical=True)),
    ("key-usage", extension(usage(digital_signature=True, key_cert_sign=True), critical=True)),
    ("key-usage", extension(usage(key_encipherment=True), critical=True)),
    ("key-usage", extension(usage(digital_signature=True, key_agreement=True), critical=True)),
    ("ocsp-signer", extension(x509.OCSPNoCheck(), critical=False)),
    ("ocsp-signer", purposes(Purpose.OCSP_SIGNING, critical=False)),
    ("ocsp-signer", purposes(Purpose.OCSP_SIGNING, Purpose.CLIENT_AUTH, critical=False)),
    ("time-stamping", purposes(Purpose.TIME_STAMPING, critical=False)),
    ("time-stamping", purposes(Purpose.TIME_STAMPING, Purpose.CLIENT_AUTH, critical=True)),
    (
        "authority-key-identifier",
        extension(
            x509.AuthorityKeyIdentifier(
                AUTHORITY.issuer.key_identifier, [x509.DirectoryName(AUTHORITY.issuer.name)], 1
            ),
            critical=False,
        ),
    ),
    ("certificate-policies", policies(policy(), policy())),
    ("certificate-policies", policies(policy("http://a.example/", "http://b.example/"))),
    ("certificate-policies", policies(policy("ftp://a.example/"))),
    ("certificate-policies", policies(policy(x509.UserNotice(None, "가" * 201)))),
    ("certificate-policies", policies(policy(x509.UserNotice(None, "a\u202eb")))),
    (
        "certificate-policies",
        policies(policy(x509.UserNotice(x509.NoticeReference("a", [1]), "b"))),
    ),
    ("certificate-policies", visible_notice),
    ("identify-data", other_names((IDENTIFY_DATA, b"\x05\x00"))),
    ("identify-data", identified("홍길동", b"x" * 31)),
    ("identify-data", identified("a\u202eb", b"x" * 32)),
    ("identify-data", other_names((IDENTIFY_DATA, HOLDER), (IDENTIFY_DATA, HOLDER))),
    ("identify-data", other_names((IDENTIFY_DATA, HOLDER.replace(SHA256, SHA224)))),
    ("identify-data", other_names((IDENTIFY_DATA, HOLDER.replace(VID, bytes(len(VID)))))),
    ("alternative-name", other_names((x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"))),
    ("alternative-name", extension((SAN, b"\x30\x00"), critical=False)),
    (
        "alternative-name",
        extension(x509.SubjectAlternativeName([x509.DNSName("a.b.example")]), critical=True),
    ),
    (
        "alternative-name",
        extension(x509.SubjectAlternativeName([x509.DNSName("*.example.com")]), critical=False),
    ),
    (
        "alternative-name",
        extension(x509.SubjectAlternativeName([x509.RFC822Name("a@localhost")]), critical=False),
    ),
    (
        "alternative-name",
        extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("http://a.example")]),
            critical=False,
        ),
    ),
    (
        "extension-criticality",
        extension((x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), critical=True),
    ),
]


def test_a_good_certificate_breaks_no_rule() -> None:
    """The starting point of the others is clean, also after taking it apart and together."""
    assert rules_broken(good_leaf()) == []
    certificate = good_leaf()
    assert changed(certificate, lambda _: None) == certificate


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_a_broken_certificate_breaks_exactly_its_rule(rule: str, change: Change) -> None:
    """One change, one finding, by the rule that forbids it."""
    assert rules_broken(changed(good_leaf(), change)) == [rule]


def ca_rules_broken(change: Change) -> list[str]:
    """Names of the rules that complain of a changed issuing CA."""
    certificate = changed(AUTHORITY.issuing, change)
    return [one.rule for one in lint_certificate(certificate, IssuerInfo(AUTHORITY.root, EC), EC)]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (
            "basic-constraints",
            extension(x509.BasicConstraints(ca=True, path_length=0), critical=False),
        ),
        (
            "basic-constraints",
            extension(x509.BasicConstraints(ca=True, path_length=1), critical=True),
        ),
        (
            "basic-constraints",
            extension(x509.BasicConstraints(ca=True, path_length=None), critical=True),
        ),
        ("key-usage", extension(usage(crl_sign=True), critical=True)),
    ],
)
def test_a_broken_ca_breaks_exactly_its_rule(rule: str, change: Change) -> None:
    """CAs say critically that they are, within the root's path length, and sign."""
    assert ca_rules_broken(lambda _: None) == []
    assert ca_rules_broken(change) == [rule]


def test_a_self_signed_end_entity_is_no_root() -> None:
    """A self-signed certificate has to be a CA."""
    no_ca = changed(
        AUTHORITY.root, extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    found = [one.rule for one in lint_certificate(no_ca, None, EC)]
    assert "basic-constraints" in found
    assert lint_certificate(AUTHORITY.root, None, EC) == ()


def test_inner_and_outer_algorithm_are_the_same() -> None:
    """An outer AlgorithmIdentifier that differs is found, though the inner one is right."""
    outer = asn1.decode_der(CertificateDer, good_leaf())
    outer.algorithm = tlv(SHA512_ECDSA)
    assert rules_broken(asn1.encode_der(outer)) == ["signature-algorithm"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("a203020120", "a20302011f", id="salt"),
        pytest.param(
            "06092a864886f70d010108300d06096086480165030402010500",
            "06092a864886f70d010108300d06096086480165030402030500",
            id="mgf",
        ),
    ],
)
def test_pss_parameters_are_judged(old: str, new: str) -> None:
    """A salt of another length and MGF1 over another hash are found."""
    authority = authority_for(PSS)
    leaf = authority.certify(prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)))
    assert lint_certificate(leaf, authority.issuer, PSS) == ()
    right = asn1.encode_der(tbs_of(leaf).algorithm)
    wrong = right.replace(bytes.fromhex(old), bytes.fromhex(new))
    assert wrong != right
    found = lint_certificate(changed(leaf, algorithm(wrong)), authority.issuer, PSS)
    assert [one.rule for one in found] == ["signature-algorithm"]


def test_a_negative_serial_is_found() -> None:
    """A serial of the right length that is not positive is found; reading it warns."""
    with pytest.warns(CryptographyDeprecationWarning, match="serial number"):
        assert rules_broken(changed(good_leaf(), serial(-(1 << 158)))) == ["serial-number"]


def test_other_versions_are_found() -> None:
    """Only version 3 has extensions."""

    def version_1(tbs: TbsCertificateDer) -> None:
        tbs.version = 0

    found = lint_certificate(changed(good_leaf(), version_1), AUTHORITY.issuer, EC)
    assert [(one.rule, "version" in one.problem) for one in found] == [("structure", True)]


def test_what_is_no_certificate_is_found() -> None:
    """Garbage is a finding, not a crash."""
    assert [one.rule for one in lint_certificate(b"\x30\x00", None, EC)] == ["structure"]


def test_a_finding_stops_the_signature() -> None:
    """The error names rule and clause, for the log and for programs."""
    broken = changed(good_leaf(), without(ExtensionOID.KEY_USAGE))
    with pytest.raises(Internal, match=r"key-usage: keyUsage is missing \(RFC 5280") as caught:
        require_lint_clean(broken, AUTHORITY.issuer, EC)
    assert caught.value.reason == "LINT_FAILED"
    assert caught.value.metadata == {"rules": "key-usage"}


def test_every_rule_is_tested() -> None:
    """Each rule has a certificate above that breaks it, and a clause."""
    rules = {rule.name for rule in (*STRUCTURE_RULES, *CONTENT_RULES)}
    assert len(rules) == len(STRUCTURE_RULES) + len(CONTENT_RULES)
    assert rules == {rule for rule, _ in BROKEN} | {"basic-constraints"}
    assert all(rule.clause for rule in (*STRUCTURE_RULES, *CONTENT_RULES))
