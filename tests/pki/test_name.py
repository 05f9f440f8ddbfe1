"""What may stand in a subject, and how it is written."""

import unicodedata
from dataclasses import replace

import pytest
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.core.record import SubjectRecord
from signerd.pki.distinguished_name import display_name, name_of
from signerd.pki.name import check_subject, display_subject, subject_name
from signerd.pki.profile import Presence, Profile, SubjectTemplate
from tests.pki.judge import openssl_text
from tests.pki.software_authority import SUBJECT, authority_for, prepare_for, shipped
from tests.pki.software_token import spki_for

PERSONAL = shipped("personal")
TLS_CLIENT = shipped("tls-client")
EC = KeyAlgorithm.EC_P256_SHA256
ISSUER = name_of(
    (
        (NameOID.COUNTRY_NAME, "KR"),
        (NameOID.ORGANIZATION_NAME, "은행"),
        (NameOID.COMMON_NAME, "발급"),
    )
)


def refusal(profile: Profile, **changes: object) -> InvalidRequest:
    """How a subject that is good but for the changes is refused."""
    with pytest.raises(InvalidRequest) as caught:
        check_subject(profile, replace(SUBJECT, **changes))  # type: ignore[arg-type] # wrong on purpose
    assert caught.value.reason == "SUBJECT_INVALID"
    return caught.value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("가" * 65, "has 65 characters"),
        (" 홍길동", "begins or ends with a space"),
        ("홍길동 ", "begins or ends with a space"),
        ("홍\n길동", "U+000A at character 2"),
        ("홍\x00", "U+0000"),
        ("\x7f홍", "U+007F"),
        ("abc\u202edef", "U+202E"),
        ("a\u2066b", "U+2066"),
        ("a\u200bb", "U+200B"),
        ("\ufeffa", "U+FEFF"),
        ("a\ud800", "U+D800"),
        ("a\ue000", "U+E000"),
        ("a\uffff", "U+FFFF"),
        ("a\u0378", "U+0378"),
        ("a\u2028b", "U+2028"),
        ("홍\u3164동", "U+3164"),
        ("홍\u00a0동", "U+00A0"),
        (unicodedata.normalize("NFD", "홍길동"), "NFC"),
    ],
)
def test_bad_text_is_refused_in_cn_and_ou(text: str, problem: str) -> None:
    """Empty, over-long, padded, invisible, unassigned and non-NFC text is refused by field."""
    refused = refusal(PERSONAL, common_name=text)
    assert (refused.field, problem in refused.message) == ("subject.common_name", True)
    refused = refusal(PERSONAL, organizational_units=("good", text))
    assert refused.field == "subject.organizational_units[1]"
    assert problem in refused.message


INVISIBLE = "\u115f\u1160\u3164\uffa0"


@given(
    text=st.text(
        st.characters(
            categories=["Lo", "Lu", "Ll", "Nd", "Po"],
            exclude_characters=INVISIBLE,
            max_codepoint=0xFFFF,
        ),
        min_size=1,
        max_size=32,
    ).map(lambda text: unicodedata.normalize("NFC", text))
)
def test_letters_digits_and_punctuation_are_taken_unchanged(text: str) -> None:
    """Visible text in NFC passes and stands in the name as it was sent."""
    subject = SubjectRecord(text[:64])
    check_subject(PERSONAL, subject)
    name = subject_name(PERSONAL, subject, ISSUER)
    assert name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == text[:64]


@given(text=st.text(min_size=1, max_size=80))
def test_no_text_breaks_the_check(text: str) -> None:
    """Any text at all is refused exactly when it is long, invisible, padded or not NFC."""
    bad_categories = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    is_good = (
        len(text) <= 64
        and not {unicodedata.category(one) for one in text} & bad_categories
        and not any(unicodedata.category(one) == "Zs" and one != " " for one in text)
        and not set(text) & set(INVISIBLE)
        and text == text.strip(" ")
        and unicodedata.is_normalized("NFC", text)
    )
    if is_good:
        check_subject(PERSONAL, SubjectRecord(text))
    else:
        assert refusal(PERSONAL, common_name=text).field == "subject.common_name"


def test_too_many_units_are_refused() -> None:
    """At most four organisational units may be sent."""
    refused = refusal(PERSONAL, organizational_units=("a", "b", "c", "d", "e"))
    assert refused.field == "subject.organizational_units"


@pytest.mark.parametrize(
    "email",
    [
        "홍길동@bank.example",
        "a@은행.example",
        "no-at.example",
        "@bank.example",
        "a@",
        "a@localhost",
        "a@b@c.example",
        "a b@c.example",
        ".a@c.example",
        "a..b@c.example",
        '"a"@c.example',
        "a@-c.example",
        "a@c.example.",
        "a@10.0.0.1",
        "a\n@c.example",
        "a@c.example\n",
        "a" * 65 + "@c.example",
        "a@" + ".".join(["b" * 63] * 4) + ".example",
    ],
)
def test_bad_email_is_refused(email: str) -> None:
    """Only plain ASCII mailboxes at a host name of two labels are taken."""
    assert refusal(PERSONAL, email=email).field == "subject.email"


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "*.bank.example",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a..example",
        "a.example.",
        "10.0.0.1",
        "은행.example",
        "a" * 64 + ".example",
        ".".join(["b" * 63] * 4) + ".example",
        "",
        "a.example\n",
        "a.e",
    ],
)
def test_bad_dns_name_is_refused(name: str) -> None:
    """Wildcards, addresses, single labels, underscores, non-ASCII and over-long names are refused
    by their position."""
    refused = refusal(TLS_CLIENT, dns_names=("good.example", name))
    assert refused.field == "subject.dns_names[1]"


def test_dns_names_are_bounded_and_differ() -> None:
    """Seventeen names are too many; the same name in other case is a repetition."""
    many = tuple(f"a{index}.example" for index in range(17))
    assert refusal(TLS_CLIENT, dns_names=many).field == "subject.dns_names"
    check_subject(TLS_CLIENT, replace(SUBJECT, dns_names=many[:16]))
    refused = refusal(TLS_CLIENT, dns_names=("a.example", "A.EXAMPLE"))
    assert "repeats" in refused.message


def test_the_profile_decides_which_alternative_names_come() -> None:
    """DNS names are refused under personal; a required e-mail must be there."""
    refused = refusal(PERSONAL, dns_names=("a.example",))
    assert (refused.field, '"personal"' in refused.message) == ("subject.dns_names", True)
    strict = replace(PERSONAL, email=Presence.REQUIRED)
    assert refusal(strict, email="").field == "subject.email"
    check_subject(strict, SUBJECT)


def test_order_is_c_o_ou_cn() -> None:
    """The profile's units precede the caller's; country and organisation are the issuer's."""
    name = subject_name(PERSONAL, replace(SUBJECT, organizational_units=("갑", "을")), ISSUER)
    assert [(one.rfc4514_attribute_name, one.value) for one in name] == [
        ("C", "KR"),
        ("O", "은행"),
        ("OU", "personal"),
        ("OU", "갑"),
        ("OU", "을"),
        ("CN", "홍길동"),
    ]


def test_the_profile_may_name_its_own_organisation() -> None:
    """Country and organisation of the profile replace the issuer's."""
    profile = replace(PERSONAL, subject=SubjectTemplate("kr", "다른 기관", ()))
    name = subject_name(profile, SubjectRecord("홍길동"), ISSUER)
    assert display_name(name) == "CN=홍길동,O=다른 기관,C=kr"


def test_64_korean_characters_fit() -> None:
    """The bound of 64 counts characters, not octets, when written and when read again."""
    authority = authority_for(EC)
    subject = SubjectRecord("홍" * 64)
    leaf = authority.certify(prepare_for(authority, PERSONAL, subject, spki_for(EC)))
    assert display_subject(leaf) == f"CN={'홍' * 64},OU=personal,O=테스트은행,C=KR"
    assert f"CN={'홍' * 64}\n" in openssl_text(leaf)


def test_display_escapes_what_rfc_4514_says() -> None:
    """Separators in a value are escaped, Korean is not."""
    authority = authority_for(EC)
    subject = SubjectRecord('주식회사 "가,나+다"', (), "")
    leaf = authority.certify(prepare_for(authority, PERSONAL, subject, spki_for(EC)))
    assert display_subject(leaf).startswith('CN=주식회사 \\"가\\,나\\+다\\",OU=personal')
