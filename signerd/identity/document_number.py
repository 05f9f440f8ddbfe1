"""Numbers of identity documents: their forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind

_SEPARATOR: Final = re.compile(r"[\s-]+")
# Of birth, by the seventh digit, which also tells sex and nationality.
_CENTURIES: Final = dict.fromkeys("1256", 1900) | dict.fromkeys("3478", 2000)


@dataclass(frozen=True, slots=True)
class _Form:
    pattern: re.Pattern[str]
    text: str
    has_birth_date: bool = False


_FORMS: Final[Mapping[DocumentKind, _Form]] = MappingProxyType(
    {
        DocumentKind.RESIDENT_CARD: _Form(
            re.compile(r"[0-9]{6}[1-4][0-9]{6}"),
            "13 digits YYMMDD-SNNNNNN that begin with the date of birth, S being 1 to 4",
            has_birth_date=True,
        ),
        DocumentKind.ALIEN_CARD: _Form(
            re.compile(r"[0-9]{6}[5-8][0-9]{6}"),
            "13 digits YYMMDD-SNNNNNN that begin with the date of birth, S being 5 to 8",
            has_birth_date=True,
        ),
        # The first two digits are the province that issued it, 11 (Seoul) to 28.
        DocumentKind.DRIVERS_LICENCE: _Form(
            re.compile(r"(?:1[1-9]|2[0-8])[0-9]{10}"),
            "12 digits AA-YY-NNNNNN-CC, AA being 11 to 28",
        ),
        # Since 2021 the fifth character is a letter.
        DocumentKind.PASSPORT: _Form(
            re.compile(r"[A-Z](?:[0-9]{8}|[0-9]{3}[A-Z][0-9]{4})"),
            "9 characters, M12345678 or M123A4567",
        ),
    }
)


def parse_document_number(
    kind: DocumentKind, number: Secret, *, today: date, field: str = "document.number"
) -> Secret:
    """The number in plain form: upper case, no hyphens and spaces. today: in Korea.

    Raises InvalidRequest (DOCUMENT_NUMBER_INVALID); the message never repeats the number.
    """
    form = _FORMS[kind]
    plain = _SEPARATOR.sub("", number.reveal()).upper()
    if form.pattern.fullmatch(plain) is None or (
        form.has_birth_date and not _begins_with_birth_date(plain, today)
    ):
        raise InvalidRequest(
            f"{field} is not {form.text}; copy it again as printed",
            reason="DOCUMENT_NUMBER_INVALID",
            field=field,
        )
    return Secret(plain)


def _begins_with_birth_date(digits: str, today: date) -> bool:
    year = _CENTURIES[digits[6]] + int(digits[:2])
    try:
        return date(year, int(digits[2:4]), int(digits[4:6])) <= today
    except ValueError:
        return False
