"""Personal data: its forms, its mask, its way into encryption and back."""

from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind
from signerd.core.subscriber import LookupKind, PersonalData
from signerd.registry.personal_data import (
    check_branch,
    check_name,
    check_registration,
    decode,
    encode,
    masked,
    plain_key,
)

TODAY = date(2026, 11, 24)
DATA = PersonalData(
    DocumentKind.DRIVERS_LICENCE,
    "11-22-345678-60",
    "110-123-456789",
    "+821012345678",
    "Hong@example.com",
    "ko",
)


def test_a_registration_is_found_by_four_keys() -> None:
    """Each in the one form that every way of writing it comes to."""
    registration = check_registration(DATA, today=TODAY)
    assert dict(registration.keys) == {
        LookupKind.ACCOUNT: "110123456789",
        LookupKind.PHONE: "+821012345678",
        LookupKind.EMAIL: "hong@example.com",
        LookupKind.DOCUMENT_NUMBER: "112234567860",
    }
    assert registration.data == replace(DATA, document_number="112234567860")
    assert set(registration.keys) == set(LookupKind)


@pytest.mark.parametrize("kind", [DocumentKind.RESIDENT_CARD, DocumentKind.ALIEN_CARD])
def test_an_identity_number_is_not_among_what_is_sealed(kind: DocumentKind) -> None:
    """It is found by, and not kept."""
    number = f"900101-{'1' if kind is DocumentKind.RESIDENT_CARD else '5'}234567"
    registration = check_registration(
        replace(DATA, document_kind=kind, document_number=number), today=TODAY
    )
    assert registration.data.document_number == ""
    assert number.replace("-", "").encode() not in encode(registration.data)
    assert registration.keys[LookupKind.DOCUMENT_NUMBER] == number.replace("-", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "+8201012345678901"),
        ("phone", "+0212345678"),
        ("phone", "+82 10 1234 5678"),
        ("email", "hong@example.com\r\nBcc: a@b.example"),
        ("email", f"{'h' * 250}@example.com"),
        ("account", "12345"),
        ("account", "-123456"),
        ("account", "123456--7"),
        ("account", "1" * 21),
        ("language", "KO"),
        ("document_number", "99-22-345678-60"),
    ],
)
def test_a_wrong_form_is_refused_without_repeating_it(field: str, value: str) -> None:
    """The error names the field as in the API."""
    with pytest.raises(InvalidRequest) as refused:
        check_registration(replace(DATA, **{field: value}), today=TODAY)  # type: ignore[arg-type] # by name
    assert refused.value.field == f"personal_data.{field}"
    assert value not in refused.value.message


@pytest.mark.parametrize("name", ["", " Hong", "Hong\u202e", "홍" * 65])
def test_names_are_such_as_certificates_take(name: str) -> None:
    """What would be refused at issue is refused at registration."""
    check_name("홍길동")
    with pytest.raises(InvalidRequest) as refused:
        check_name(name)
    assert refused.value.field == "real_name"


def test_a_branch_has_three_digits_or_is_absent() -> None:
    """Digits of ASCII only."""
    for branch in ("", "041"):
        check_branch(branch)
    for branch in ("41", "0411", "٠٤١"):
        with pytest.raises(InvalidRequest):
            check_branch(branch)


@given(
    st.builds(
        PersonalData,
        st.sampled_from(DocumentKind),
        *(st.text(max_size=30) for _ in range(4)),
        st.sampled_from(["", "ko", "en"]),
    )
)
def test_what_is_sealed_comes_back(data: PersonalData) -> None:
    """Whatever was registered."""
    assert decode(encode(data)) == data


def test_a_mask_shows_at_most_a_third() -> None:
    """The last characters of numbers, the first letter and the domain of an address."""
    shown = masked(DATA)
    assert shown.account == "**********6789"
    assert shown.phone == "+82*******678"
    assert shown.email == "H***@example.com"
    assert shown.document_number == "***********8-60"
    assert masked(replace(DATA, document_number="")).document_number == "***"
    assert masked(replace(DATA, account="123456")).account == "****56"


def test_no_repr_shows_a_value() -> None:
    """Neither of the data nor of a registration."""
    text = repr(DATA) + repr(check_registration(DATA, today=TODAY))
    values = [str(getattr(DATA, field.name)) for field in fields(DATA)][1:5]
    assert not [value for value in values if value in text]


def test_keys_have_one_form() -> None:
    """Ways of writing that mean the same are hashed the same."""
    assert plain_key(LookupKind.ACCOUNT, "110-123") == plain_key(LookupKind.ACCOUNT, "110123")
    assert plain_key(LookupKind.EMAIL, "A@b.example") == plain_key(LookupKind.EMAIL, "a@B.example")
    number = LookupKind.DOCUMENT_NUMBER
    assert plain_key(number, "m 12345678") == plain_key(number, "M12345678")
