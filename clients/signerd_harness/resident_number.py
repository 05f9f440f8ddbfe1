"""Resident registration numbers that look right and belong to nobody."""

from datetime import date, timedelta
from typing import Final

# Digits 8 and 9 name the region that gave a number out; 99 is no region, so nobody has it.
_NO_REGION: Final = "99"
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_FIRST_BIRTH: Final = date(1946, 1, 1)
_LAST_BIRTH: Final = date(2006, 12, 31)
_BIRTH_DAYS: Final = (_LAST_BIRTH - _FIRST_BIRTH).days + 1
# A prime that does not divide the days, so that multiplication with it shuffles them.
_BIRTH_STEP: Final = 7_919
_PER_DAY: Final = 1_000
_CENTURY: Final = 2_000
LIMIT: Final = _BIRTH_DAYS * _PER_DAY


def birth_date(number: int) -> date:
    """Of an adult of 2026, from 1946 to 2006; different for numbers that follow each other."""
    return _FIRST_BIRTH + timedelta(days=number * _BIRTH_STEP % _BIRTH_DAYS)


def resident_number(number: int, *, is_female: bool) -> str:
    """13 digits, YYMMDDSRRNNNC, C being the check digit; different for each number below LIMIT."""
    born = birth_date(number)
    sex = 1 + is_female + (2 if born.year >= _CENTURY else 0)
    digits = f"{born:%y%m%d}{sex}{_NO_REGION}{number // _BIRTH_DAYS % _PER_DAY:03}"
    return digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """The thirteenth digit for the first twelve."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return str((11 - total % 11) % 10)
