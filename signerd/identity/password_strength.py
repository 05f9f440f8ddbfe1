"""Which passwords are good enough."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Final

from zxcvbn_rs_py import zxcvbn

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.identity.keystroke import keystrokes

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 64
# As many as earn three of zxcvbn's four points.
_LEAST_GUESSES: Final = 10**8
# What is longer is judged by its beginning: the estimate takes longer than in proportion.
_JUDGED_KEYS: Final = 32
_SHORTEST_WORD: Final = 4
_PHONE_GROUP: Final = 4
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")
# Words of Korean passwords that lists of the English-speaking world lack, as keys.
_KOREAN_FILE: Final = resources.files("signerd.identity") / "korean_words.txt"
_KOREAN_WORDS: Final = [keystrokes(word) for word in _KOREAN_FILE.read_text("utf-8").split()]


@dataclass(frozen=True, slots=True)
class PersonalWords:
    """What the password of this person must not contain, as keys."""

    words: tuple[Secret, ...] = ()


def personal_words(
    *, name: str = "", birth_date: date | None = None, phone: str = "", email: str = ""
) -> PersonalWords:
    """Name and its parts, date of birth without century, groups of four digits of the phone
    number, local part of the e-mail address; what is not known is left out."""
    found = {
        *_name_words(name),
        *_birth_words(birth_date),
        *_phone_words(phone),
        _bare(email.partition("@")[0]),
    }
    return PersonalWords(
        tuple(Secret(word) for word in sorted(found) if len(word) >= _SHORTEST_WORD)
    )


def normalised(password: Secret) -> Secret:
    """In Unicode form NFC, so that the same keys give the same password on every system."""
    return Secret(unicodedata.normalize("NFC", password.reveal()))


def is_well_formed(password: Secret) -> bool:
    """Whether a normalised password has a length and characters that one can be set with."""
    text = password.reveal()
    return MIN_LENGTH <= len(text) <= MAX_LENGTH and text.isprintable()


def check_strength(password: Secret, personal: PersonalWords) -> None:
    """Judge a normalised password.

    Raises InvalidRequest: PASSWORD_LENGTH, PASSWORD_CHARACTERS, PASSWORD_PERSONAL, PASSWORD_WEAK.
    """
    text = password.reveal()
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        raise _refused(
            f"has {len(text)} characters; take {MIN_LENGTH} to {MAX_LENGTH}", "PASSWORD_LENGTH"
        )
    if not text.isprintable():
        raise _refused(
            "has control characters or line ends; take letters, digits, signs and spaces",
            "PASSWORD_CHARACTERS",
        )
    bare = _bare(text)
    if any(word.reveal() in bare for word in personal.words):
        raise _refused(
            "contains the name, date of birth, phone number or e-mail address, perhaps typed on "
            "the Korean keyboard; take something else",
            "PASSWORD_PERSONAL",
        )
    if zxcvbn(keystrokes(text)[:_JUDGED_KEYS], _KOREAN_WORDS).guesses < _LEAST_GUESSES:
        raise _refused(
            "is easily guessed: known words, keys side by side, repetitions or dates; take "
            "several words that have nothing to do with each other",
            "PASSWORD_WEAK",
        )


def _name_words(name: str) -> Iterator[str]:
    yield _bare(name)
    for part in name.split():
        yield _bare(part)
        composed = unicodedata.normalize("NFC", part)
        # A Korean family name is almost always one syllable; the rest is the given name.
        if unicodedata.name(composed[0], "").startswith("HANGUL SYLLABLE"):
            yield _bare(composed[1:])


def _birth_words(birth_date: date | None) -> Iterator[str]:
    if birth_date is not None:
        for form in ("%y%m%d", "%d%m%y", "%m%d%y"):
            yield birth_date.strftime(form)


def _phone_words(phone: str) -> Iterator[str]:
    digits = re.sub(r"[^0-9]", "", phone)
    yield digits[-_PHONE_GROUP:]
    yield digits[-2 * _PHONE_GROUP : -_PHONE_GROUP]


def _bare(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", keystrokes(text))


def _refused(problem: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"the new password {problem}", reason=reason, field="new_password")
