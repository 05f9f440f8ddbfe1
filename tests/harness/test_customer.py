"""Synthetic customers: what a bank and its daemon ask of people."""

import asyncio
import re
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from signerctl.customer import read_customers
from signerd.config.secret_source import Secret
from signerd.core.evidence import DocumentKind
from signerd.core.subscriber import PersonalData
from signerd.identity.document import DocumentOutcome, parse_document
from signerd.identity.file_document_verifier import FileDocumentVerifier
from signerd.identity.password_strength import check_strength, personal_words
from signerd.identity.pin import check_pin
from signerd.pki.vid import parse_identity_number
from signerd.registry.personal_data import check_branch, check_name, check_registration
from signerd_harness.customer import LIMIT, Customer, customer, customers
from signerd_harness.resident_number import check_digit
from signerd_harness.table import write_customers, write_documents

TODAY = date(2026, 11, 24)
MANY = 20_000


@pytest.fixture(scope="module")
def many() -> list[Customer]:
    return list(customers(MANY, seed=7))


def test_a_customer_follows_from_seed_and_number() -> None:
    """The same again, alone or among others; another seed has other people."""
    assert customer(41, seed=7) == next(islice(customers(50, seed=7), 41, None))
    assert customer(41, seed=7) != customer(41, seed=8)
    assert list(customers(2, seed=7, start=3)) == [customer(3, seed=7), customer(4, seed=7)]


@pytest.mark.parametrize("column", ["subscriber", "identity_number", "account", "phone", "email"])
def test_what_tells_people_apart_is_different(many: list[Customer], column: str) -> None:
    """No two customers share what they are found by."""
    assert len({getattr(one, column) for one in many}) == MANY


def test_the_daemon_takes_each(many: list[Customer]) -> None:
    """Names, numbers, contacts and branches pass the checks of registration and virtual ID."""
    for one in many[:: MANY // 500]:
        given = one.personal_data
        parse_identity_number(one.identity_number, field="identity_number", today=TODAY)
        check_registration(
            PersonalData(
                DocumentKind(given.document_kind),
                given.document_number,
                given.account,
                given.phone,
                given.email,
                given.language,
            ),
            today=TODAY,
        )
        check_name(one.name)
        check_branch(one.branch)
        check_pin(Secret(one.pin), phone=one.phone)
        words = personal_words(
            name=one.name, birth_date=one.birth_date, phone=one.phone, email=one.email
        )
        check_strength(Secret(one.password), words)


def test_they_look_right_and_belong_to_nobody(many: list[Customer]) -> None:
    """Right check digit, birth date and sex, a region that was never given; example mail domain."""
    for one in many[:500]:
        number = one.identity_number
        assert number[12] == check_digit(number[:12])
        assert number[:6] == f"{one.birth_date:%y%m%d}"
        assert number[6] in ("12" if one.birth_date.year < 2000 else "34")
        assert number[7:9] == "99"
        assert one.birth_date < one.card_issue_date <= TODAY
        assert re.fullmatch("[가-힣]{3,4}", one.name)
        assert re.fullmatch(r"[a-z.]+\.7\.\d{6}@example\.com", one.email)
        assert re.fullmatch(r"\+8210\d{8}", one.phone)
        assert re.fullmatch(r"\d{6}", one.pin)


def test_a_check_digit_known_from_the_rule() -> None:
    """Weights 2 to 9 and 2 to 5, eleven minus the rest, of which the last digit."""
    assert check_digit("900101123456") == "8"


def test_tables_are_what_batches_and_daemons_read(tmp_path: Path) -> None:
    """`signerctl batch issue` takes the customers; the daemon's file verifier finds the document of
    each genuine."""
    people = list(customers(3, seed=5))
    for name, write in (("customers", write_customers), ("documents", write_documents)):
        with (tmp_path / name).open("w", encoding="utf-8") as file:
            write(file, people)
    read = read_customers(tmp_path / "customers")
    assert [one.subscriber for one in read] == [one.subscriber for one in people]
    assert [one.identity_number for one in read] == [one.identity_number for one in people]
    assert [one.branch_code for one in read] == [one.branch for one in people]
    verifier = FileDocumentVerifier(tmp_path / "documents")
    for one in people:
        document = parse_document(
            DocumentKind.RESIDENT_CARD,
            Secret(one.identity_number),
            one.name,
            one.card_issue_date.isoformat(),
            today=TODAY,
        )
        verdict = asyncio.run(verifier.verify(document))
        assert verdict.outcome is DocumentOutcome.GENUINE


def test_secrets_are_not_shown() -> None:
    """Not in what a failed assertion prints."""
    one = customer(0)
    assert one.identity_number not in repr(one)
    assert one.password not in repr(one)


@pytest.mark.parametrize(("number", "seed"), [(-1, 0), (LIMIT, 0), (0, -1), (0, 1_000_000)])
def test_there_are_only_so_many(number: int, seed: int) -> None:
    """Beyond, numbers would recur, so nobody is made."""
    with pytest.raises(ValueError, match=r"not|none"):
        customer(number, seed=seed)
