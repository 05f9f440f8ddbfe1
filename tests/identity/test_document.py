"""Identity documents: forms of their numbers, and what a verdict means."""

from datetime import date

import pytest

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind
from signerd.identity.document import (
    DocumentOutcome,
    DocumentVerdict,
    parse_document,
    verdict_refusal,
)

TODAY = date(2026, 11, 24)
RESIDENT, LICENCE, ALIEN, PASSPORT = DocumentKind


@pytest.mark.parametrize(
    ("kind", "text", "plain"),
    [
        (RESIDENT, "900512-1234567", "9005121234567"),
        (RESIDENT, "000229 3234567", "0002293234567"),
        (ALIEN, "900512-5234567", "9005125234567"),
        (ALIEN, "9005128234567".replace("90", "05", 1), "0505128234567"),
        (LICENCE, "11-19-123456-78", "111912345678"),
        (LICENCE, "28 19 123456 78", "281912345678"),
        (PASSPORT, "m12345678", "M12345678"),
        (PASSPORT, "M123A4567", "M123A4567"),
    ],
)
def test_numbers_are_taken_as_printed(kind: DocumentKind, text: str, plain: str) -> None:
    """With or without hyphens and spaces, in either case."""
    document = parse_document(kind, Secret(text), "김하늘", "2020-02-29", today=TODAY)

    assert document.number == Secret(plain)
    assert document.name == Secret("김하늘")
    assert document.issue_date == date(2020, 2, 29)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (RESIDENT, ""),
        (RESIDENT, "900512-123456"),
        (RESIDENT, "900512-12345678"),
        (RESIDENT, "900512-5234567"),
        (RESIDENT, "901312-1234567"),
        (RESIDENT, "010229-3234567"),
        (RESIDENT, "261125-3234567"),
        (RESIDENT, "٩٠٠٥١٢١٢٣٤٥٦٧"),
        (ALIEN, "900512-1234567"),
        (ALIEN, "900512-9234567"),
        (LICENCE, "11-19-123456-7"),
        (LICENCE, "10-19-123456-78"),
        (LICENCE, "29-19-123456-78"),
        (LICENCE, "서울-19-123456-78"),
        (PASSPORT, "K7654321"),
        (PASSPORT, "123456789"),
        (PASSPORT, "M12A34567"),
    ],
)
def test_other_numbers_are_refused_without_repeating_them(kind: DocumentKind, text: str) -> None:
    """The refusal says what the number looks like, never what was sent."""
    with pytest.raises(InvalidRequest) as caught:
        parse_document(kind, Secret(text), "김하늘", "2020-02-29", today=TODAY)

    assert caught.value.reason == "DOCUMENT_NUMBER_INVALID"
    assert caught.value.field == "document.number"
    assert not text or text not in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "2026-11-25", "1959-12-31", "2021-02-29", "20200229", "2020-W09-6", "2020-2-29"]
)
def test_the_date_of_issue_is_a_day_of_the_past(text: str) -> None:
    """A date to come, an impossible one or one in another form is refused."""
    with pytest.raises(InvalidRequest) as caught:
        parse_document(LICENCE, Secret("11-19-123456-78"), "김하늘", text, today=TODAY)
    assert caught.value.reason == "DOCUMENT_ISSUE_DATE_INVALID"


def test_every_verdict_but_genuine_is_a_refusal_with_advice() -> None:
    """Each outcome has its reason, and a message that says what to do."""
    refusals = {
        outcome: verdict_refusal(DocumentVerdict(outcome, "ref-1")) for outcome in DocumentOutcome
    }

    assert refusals.pop(DocumentOutcome.GENUINE) is None
    assert {one.reason for one in refusals.values() if one} == {
        "DOCUMENT_NOT_GENUINE",
        "DOCUMENT_NAME_DIFFERS",
        "DOCUMENT_UNKNOWN",
    }
    assert all(one is not None and "; " in one.message for one in refusals.values())
