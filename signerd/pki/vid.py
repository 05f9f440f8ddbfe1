"""The virtual ID (VID) of a certificate's holder (KCAC.TS.SIVID).

A VID ties a certificate to a resident registration or business number that it does not show: who
knows the number and the random number can check, who has the certificate alone learns nothing. The
number is taken, used and forgotten: it is never stored, logged or echoed.
"""

import hmac
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from cryptography.hazmat import asn1

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.pki.signature import digest

# At least 160 bits from a secure source.
RANDOM_BYTES: Final = 20

_RESIDENT = re.compile(r"(\d{2})(\d{2})(\d{2})([1-8])\d{6}", re.ASCII)
_BUSINESS = re.compile(r"\d{10}", re.ASCII)
_RESIDENT_LENGTH: Final = 13
_BUSINESS_LENGTH: Final = 10
# Of birth, by the seventh digit, which also tells sex and, from 5 on, foreigners.
_CENTURIES: Final = dict.fromkeys("1256", 1900) | dict.fromkeys("3478", 2000)
_BUSINESS_WEIGHTS: Final = (1, 3, 7, 1, 3, 7, 1, 3, 5)


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A resident registration number (13 digits) or business number (10), without hyphen."""

    digits: str = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("an identity number is not serialised")


@asn1.sequence
class _HashContentDer:
    idn: asn1.PrintableString
    random: asn1.BitString


def parse_identity_number(text: str, *, field: str, today: date) -> IdentityNumber:
    """Check an identity number as far as it can be checked. field: its name in the API; today: in
    Korea.

    Resident numbers issued since October 2020 have no check digit, so the date of birth has to do.
    Raises InvalidRequest (IDENTITY_NUMBER_INVALID); the message never repeats the number.
    """
    if len(text) == _RESIDENT_LENGTH:
        problem = _resident_problem(text, today)
    elif len(text) == _BUSINESS_LENGTH:
        problem = _business_problem(text)
    else:
        problem = "is neither a resident registration number (13) nor a business number (10)"
    if problem is not None:
        raise InvalidRequest(
            f"{field} {problem}; check it and send it again",
            reason="IDENTITY_NUMBER_INVALID",
            field=field,
        )
    return IdentityNumber(text)


def hash_content(number: IdentityNumber, random: bytes) -> bytes:
    """HashContent, DER. Raises ValueError for a random number of less than 160 bits."""
    if len(random) < RANDOM_BYTES:
        raise ValueError(f"the random number has less than {8 * RANDOM_BYTES} bits")
    return asn1.encode_der(
        _HashContentDer(idn=asn1.PrintableString(number.digits), random=asn1.BitString(random, 0))
    )


def virtual_id(number: IdentityNumber, random: bytes, hash_: Hash) -> bytes:
    """VID = h(h(HashContent)). random: the holder's secret; ValueError when it is too short."""
    return digest(hash_, digest(hash_, hash_content(number, random)))


def matches(number: IdentityNumber, random: bytes, hash_: Hash, expected: bytes) -> bool:
    """Whether the VID expected (of a certificate, with its hash and random number) is that of this
    number; the time taken tells nothing about either."""
    return hmac.compare_digest(virtual_id(number, random, hash_), expected)


def _resident_problem(text: str, today: date) -> str | None:
    found = _RESIDENT.fullmatch(text)
    if found is None:
        return "is not 13 digits without hyphen of which the seventh is 1 to 8"
    year, month, day, seventh = found.groups()
    try:
        born = date(_CENTURIES[seventh] + int(year), int(month), int(day))
    except ValueError:
        return "does not begin with a date of birth (yymmdd)"
    return "begins with a date of birth that is yet to come" if born > today else None


def _business_problem(text: str) -> str | None:
    if _BUSINESS.fullmatch(text) is None:
        return "is not 10 digits without hyphens"
    digits = [int(digit) for digit in text]
    total = sum(digit * weight for digit, weight in zip(digits, _BUSINESS_WEIGHTS, strict=False))
    # The last weighted digit also counts with the tens of its product.
    total += digits[8] * _BUSINESS_WEIGHTS[8] // 10
    return "has a wrong check digit" if (total + digits[9]) % 10 else None
