"""Common names composed of name, bank, branch, date and running number."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from signerd.core.error import Internal, InvalidRequest
from signerd.core.record import SubjectRecord
from signerd.pki.certificate import prepare_certificate
from signerd.pki.composed_name import NameComposition
from signerd.pki.name import check_subject
from tests.pki.npki import IDENTITY, RSA, SUBJECT, npki_certificate
from tests.pki.software_authority import NOW, authority_for, prepare_for, shipped
from tests.pki.software_token import spki_for

SEOUL = ZoneInfo("Asia/Seoul")
COMPOSITION = NameComposition("089", SEOUL)
NPKI = shipped("npki-personal")
MIDNIGHT = datetime(2020, 2, 24, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "composed"),
    [
        ("홍길동", "홍길동()"),
        ("HKD(KILDONG.HONG)", "HKD(KILDONG.HONG)"),
        ("홍길동()", "홍길동()"),
        ("(주)한국", "(주)한국()"),
        ("한국(주)", "한국(주)()"),
        ("(HONG)", "(HONG)()"),
    ],
)
def test_names_get_parentheses_unless_they_have_them(name: str, composed: str) -> None:
    """Parentheses with a Latin name stay; those of a company form belong to the name."""
    assert COMPOSITION.compose(name, "041", MIDNIGHT, 30) == composed + "008904120200225000000030"


def test_the_date_is_the_korean_one() -> None:
    """One second before midnight in Seoul is the day before."""
    early = datetime(2020, 2, 24, 14, 59, 59, tzinfo=UTC)
    assert "20200224" in COMPOSITION.compose("홍", "041", early, 1)
    assert "20200225" in COMPOSITION.compose("홍", "041", MIDNIGHT, 1)


@pytest.mark.parametrize("number", [10**9, -1])
def test_running_numbers_have_nine_digits(number: int) -> None:
    """A number that does not fit is the daemon's fault, not the caller's."""
    with pytest.raises(Internal) as caught:
        COMPOSITION.compose("홍", "041", MIDNIGHT, number)
    assert caught.value.reason == "RUNNING_NUMBER_TOO_LONG"
    assert COMPOSITION.compose("홍", "041", MIDNIGHT, 10**9 - 1).endswith("999999999")


def test_the_certificate_has_the_composed_name() -> None:
    """CN of an NPKI certificate: bank of the profile, branch of the request, today in Korea."""
    certificate = x509.load_der_x509_certificate(npki_certificate(NPKI))
    (common_name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == f"홍길동()0089041{NOW.astimezone(SEOUL):%Y%m%d}000000030"


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"branch": ""}, "subject.branch", "required"),
        ({"branch": "41"}, "subject.branch", "three digits"),
        ({"branch": "0412"}, "subject.branch", "three digits"),
        ({"branch": "٠٤١"}, "subject.branch", "three digits"),
        ({"common_name": "홍" * 39}, "subject.common_name", "has 41 characters"),
        ({"common_name": "홍" * 35 + "(HONG)"}, "subject.common_name", "the most is 40"),
    ],
)
def test_a_subject_has_to_fit_the_composition(
    changes: dict[str, str], field: str, problem: str
) -> None:
    """Branch of three digits, and room for the digits within the 64 characters of a CN."""
    with pytest.raises(InvalidRequest, match=problem) as caught:
        check_subject(NPKI, replace(SUBJECT, **changes))  # type: ignore[arg-type] # only texts
    assert caught.value.field == field
    assert not any(value and value in caught.value.message for value in changes.values())


def test_the_longest_name_fits() -> None:
    """38 characters, parentheses and digits are 64."""
    authority = authority_for(RSA)
    longest = replace(SUBJECT, common_name="홍" * 38)
    prepared = prepare_for(
        authority, NPKI, longest, spki_for(RSA), identity=IDENTITY, running_number=1
    )
    assert ("홍" * 38 + "()0089041").encode() in prepared.tbs


def test_a_branch_is_taken_by_every_profile() -> None:
    """The inventory counts by branch, so any certificate may have one; its form is checked."""
    check_subject(shipped("personal"), SubjectRecord("홍길동", branch="041"))
    with pytest.raises(InvalidRequest, match="three digits"):
        check_subject(shipped("personal"), SubjectRecord("홍길동", branch="x41"))


def test_no_name_is_composed_without_a_running_number() -> None:
    """A caller that reserved none would give two holders the same name."""
    authority = authority_for(RSA)
    with pytest.raises(Internal) as caught:
        prepare_for(authority, NPKI, SUBJECT, spki_for(RSA), identity=IDENTITY)
    assert caught.value.reason == "RUNNING_NUMBER_MISSING"


def test_no_certificate_is_prepared_without_the_identity() -> None:
    """An NPKI certificate without VID, and a VID in one that has none, are refused."""
    issuer = authority_for(RSA).issuer
    for name, identity, reason in (
        ("npki-personal", None, "IDENTITY_REQUIRED"),
        ("personal", IDENTITY, "IDENTITY_NOT_ALLOWED"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            prepare_certificate(
                shipped(name),
                issuer,
                SUBJECT,
                spki=spki_for(RSA),
                serial=1,
                not_before_utc=NOW,
                not_after_utc=NOW,
                identity=identity,
                running_number=1,
            )
        assert caught.value.reason == reason
