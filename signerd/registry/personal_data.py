"""Personal data of subscribers: checked, sealed, masked."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Final, NoReturn

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind
from signerd.core.subscriber import LookupKind, PersonalData
from signerd.identity.document_number import parse_document_number
from signerd.pki.alternative_name import is_email
from signerd.pki.name_text import UPPER_BOUND, text_problem

_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_ACCOUNT: Final = re.compile(r"[0-9]+(?:-[0-9]+)*")
_ACCOUNT_DIGITS: Final = range(6, 21)
_BRANCH: Final = re.compile(r"[0-9]{3}")
_LANGUAGES: Final = frozenset({"", "ko", "en"})
_EMAIL_CHARACTERS: Final = 254
_SHOWN: Final = 4
_CONTACT_KINDS: Final = (LookupKind.ACCOUNT, LookupKind.PHONE, LookupKind.EMAIL)
# Their number is the holder's identity number.
_IDENTITY_CARDS: Final = frozenset({DocumentKind.RESIDENT_CARD, DocumentKind.ALIEN_CARD})


@dataclass(frozen=True, slots=True)
class Registration:
    """What is registered, checked. keys: by what the subscriber is found, in plain form."""

    data: PersonalData
    keys: Mapping[LookupKind, str] = field(repr=False)


def check_registration(data: PersonalData, *, today: date) -> Registration:
    """Check personal data as sent. today: in Korea.

    The number of an identity card is an identity number: it is found by, and not kept. Raises
    InvalidRequest (PERSONAL_DATA_INVALID, DOCUMENT_NUMBER_INVALID); no message repeats a value.
    """
    check_contact(data)
    number = parse_document_number(
        data.document_kind,
        Secret(data.document_number),
        today=today,
        field="personal_data.document_number",
    ).reveal()
    is_kept = data.document_kind not in _IDENTITY_CARDS
    return Registration(
        replace(data, document_number=number if is_kept else ""),
        MappingProxyType(
            {kind: plain_key(kind, getattr(data, kind.value)) for kind in _CONTACT_KINDS}
            | {LookupKind.DOCUMENT_NUMBER: number}
        ),
    )


def check_contact(data: PersonalData) -> None:
    """Everything but the document. Raises InvalidRequest (PERSONAL_DATA_INVALID)."""
    digits = data.account.replace("-", "")
    if _ACCOUNT.fullmatch(data.account) is None or len(digits) not in _ACCOUNT_DIGITS:
        _refuse("account", "is not 6 to 20 digits, with or without hyphens between them")
    if _PHONE.fullmatch(data.phone) is None:
        _refuse("phone", "is not in international form, such as +821012345678 (E.164)")
    if len(data.email) > _EMAIL_CHARACTERS or not is_email(data.email):
        _refuse("email", "is not an e-mail address in ASCII")
    if data.language not in _LANGUAGES:
        _refuse("language", "is none of ko and en")


def check_name(name: str) -> None:
    """Raises InvalidRequest (PERSONAL_DATA_INVALID) for a name that no certificate takes."""
    problem = text_problem(name, upper_bound=UPPER_BOUND)
    if problem is not None:
        _refuse("real_name", problem, within="")


def check_branch(branch: str) -> None:
    """Raises InvalidRequest (PERSONAL_DATA_INVALID). Empty where there is none."""
    if branch and _BRANCH.fullmatch(branch) is None:
        _refuse("branch", "is not three digits", within="")


def plain_key(kind: LookupKind, value: str) -> str:
    """What is hashed to find a subscriber: one form for all ways of writing a value."""
    match kind:
        case LookupKind.ACCOUNT:
            return value.replace("-", "")
        case LookupKind.EMAIL:
            return value.lower()
        case LookupKind.DOCUMENT_NUMBER:
            return re.sub(r"[\s-]+", "", value).upper()
        case LookupKind.PHONE:
            return value


def encode(data: PersonalData) -> bytes:
    """To be sealed; JSON."""
    return json.dumps(asdict(data), ensure_ascii=False).encode()


def decode(encoded: bytes) -> PersonalData:
    """What `encode` made."""
    fields = json.loads(encoded)
    return PersonalData(**fields | {"document_kind": DocumentKind(fields["document_kind"])})


def masked(data: PersonalData) -> PersonalData:
    """Enough to recognise, not to use."""
    name, _, domain = data.email.rpartition("@")
    return PersonalData(
        document_kind=data.document_kind,
        document_number=_tail(data.document_number) or "***",
        account=_tail(data.account),
        phone=data.phone[:3] + _tail(data.phone[3:]),
        email=f"{name[:1]}***@{domain}",
        language=data.language,
    )


def _tail(text: str) -> str:
    """The last characters, and at most a third of all."""
    shown = min(_SHOWN, len(text) // 3)
    hidden = len(text) - shown
    return "*" * hidden + text[hidden:]


def _refuse(field: str, problem: str, *, within: str = "personal_data.") -> NoReturn:
    raise InvalidRequest(
        f"{within}{field} {problem}; correct it and send it again",
        reason="PERSONAL_DATA_INVALID",
        field=f"{within}{field}",
    )
