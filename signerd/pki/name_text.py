"""Which text may stand in a name.

A name is read by people who decide by it, so it must look like what it is: nothing invisible,
nothing that reorders the line, one encoding of each character.
"""

import unicodedata
from typing import Final, NoReturn

from signerd.core.error import InvalidRequest

SUBJECT_INVALID: Final = "SUBJECT_INVALID"
# ub-common-name, ub-organizational-unit-name (RFC 5280, appendix A.1), in characters.
UPPER_BOUND: Final = 64

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned, line
# and paragraph separators.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters by category that show nothing: the Hangul fillers.
_INVISIBLE: Final = frozenset("\u115f\u1160\u3164\uffa0")


def check_text(text: str, *, field: str, upper_bound: int) -> None:
    """Check an attribute value. Raises InvalidRequest (SUBJECT_INVALID) with its text_problem."""
    problem = text_problem(text, upper_bound=upper_bound)
    if problem is not None:
        refuse(field, problem)


def text_problem(text: str, *, upper_bound: int) -> str | None:
    """What is wrong with an attribute value of at most upper_bound characters (X.520; RFC 5280,
    appendix A.1), without repeating it; None when nothing is.

    Text that is not in Unicode normalisation form C is refused rather than changed: what is
    certified is exactly what the caller sent.
    """
    if not text:
        return f"is empty; give 1 to {upper_bound} characters"
    if len(text) > upper_bound:
        return f"has {len(text)} characters; the most is {upper_bound}"
    for position, character in enumerate(text, start=1):
        if _is_refused(character):
            return (
                f"holds U+{ord(character):04X} at character {position}, which is a control, "
                "invisible, unassigned or unusual space character; remove it"
            )
    if text[0] == " " or text[-1] == " ":
        return "begins or ends with a space; remove it"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode normalisation form C (NFC); normalise it first"
    return None


def refuse(field: str, problem: str) -> NoReturn:
    """Raise InvalidRequest for a field of the subject; the value is never repeated."""
    raise InvalidRequest(f"{field} {problem}", reason=SUBJECT_INVALID, field=field)


def _is_refused(character: str) -> bool:
    category = unicodedata.category(character)
    other_space = category == "Zs" and character != " "
    return category in _REFUSED_CATEGORIES or character in _INVISIBLE or other_space
