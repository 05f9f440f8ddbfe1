"""Synthetic customers: each follows from a seed and a number, so that none has to be kept."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from signerd_client import DocumentKind, PersonalData
from signerd_harness import vocabulary
from signerd_harness.person_name import name_count, person_name
from signerd_harness.resident_number import birth_date, resident_number

# An account number has six digits of its own.
LIMIT: Final = 1_000_000
SEED_LIMIT: Final = 1_000_000
_PHONES: Final = 100_000_000
# Prime to the powers of ten, so that multiplication with them shuffles all numbers.
_ACCOUNT_STEP: Final = 387_420_489
_PHONE_STEP: Final = 48_828_127
_ADULT_DAYS: Final = 17 * 366
_LAST_CARD: Final = date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who does not exist, with everything a bank asks for.

    subscriber: the id signerd knows the customer by. identity_number: resident registration
    number, 13 digits with a right check digit, of a region that does not exist. account: digits
    and hyphens. phone: +8210 and eight digits. email: at example.com. branch: three digits.
    card_issue_date: when the resident card was issued. password: for proofs of identity. pin: six
    digits.
    """

    number: int
    subscriber: str
    name: str
    romanised_name: str
    identity_number: str = field(repr=False)
    birth_date: date
    card_issue_date: date
    account: str
    phone: str
    email: str
    branch: str
    branch_name: str
    password: str = field(repr=False)
    pin: str = field(repr=False)

    @property
    def personal_data(self) -> PersonalData:
        """For `register_subscriber`: the document is the resident card."""
        return PersonalData(
            document_kind=DocumentKind.RESIDENT_CARD,
            document_number=self.identity_number,
            account=self.account,
            phone=self.phone,
            email=self.email,
            language="ko",
        )


def customer(number: int, *, seed: int = 0) -> Customer:
    """The customer with a number from 0 to LIMIT - 1: always the same one for a seed.

    Customers of one seed differ in subscriber, identity number, account, phone and e-mail address;
    names recur as they do in Korea. Raises ValueError for a number or seed out of range.
    """
    if not 0 <= number < LIMIT:
        raise ValueError(f"there are customers 0 to {LIMIT - 1}, none with number {number}")
    if not 0 <= seed < SEED_LIMIT:
        raise ValueError(f"a seed is 0 to {SEED_LIMIT - 1}, not {seed}")
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable test data, not a secret
    name = person_name(chance.randrange(name_count()))
    branch, branch_name = chance.choice(vocabulary.BRANCHES)
    born = birth_date(number)
    adult = born + timedelta(days=_ADULT_DAYS)
    return Customer(
        number=number,
        subscriber=f"test-{seed}-{number:06}",
        name=name.hangul,
        romanised_name=name.romanised,
        identity_number=resident_number(number, is_female=chance.random() < 1 / 2),
        birth_date=born,
        card_issue_date=adult + timedelta(days=chance.randrange((_LAST_CARD - adult).days)),
        account=f"100-{branch}-{_shuffled(number, seed, _ACCOUNT_STEP, LIMIT):06}",
        phone=f"+8210{_shuffled(number, seed, _PHONE_STEP, _PHONES):08}",
        email=f"{name.mailbox}.{seed}.{number:06}@example.com",
        branch=branch,
        branch_name=branch_name,
        password=f"Aa1!{chance.getrandbits(64):016x}",
        pin=_pin(chance),
    )


def customers(count: int, *, seed: int = 0, start: int = 0) -> Iterator[Customer]:
    """So many customers, one after another. Raises ValueError when there are not so many."""
    for number in range(start, start + count):
        yield customer(number, seed=seed)


def _pin(chance: random.Random) -> str:
    """Six different digits that neither count up nor down: no daemon calls it weak."""
    digits = chance.sample("0123456789", 6)
    if digits[0] < digits[1]:
        digits[1], digits[2] = sorted(digits[1:3], reverse=True)
    else:
        digits[1], digits[2] = sorted(digits[1:3])
    return "".join(digits)


def _shuffled(number: int, seed: int, step: int, modulus: int) -> int:
    return ((number + 1) * step + seed * (step // 7)) % modulus
