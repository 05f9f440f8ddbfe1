"""Names of people, in Hangul and in Latin letters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from signerd_harness import vocabulary


@dataclass(frozen=True, slots=True)
class PersonName:
    """A surname and a given name of two syllables.

    mailbox: Latin letters and a dot, for the local part of an e-mail address.
    """

    hangul: str
    romanised: str
    mailbox: str


def every_name() -> Iterator[PersonName]:
    """Each full name once, always in the same order."""
    for number in range(_COUNT):
        yield person_name(number)


def name_count() -> int:
    """How many different full names there are."""
    return _COUNT


def person_name(number: int) -> PersonName:
    """The name with this number, from 0 to name_count() - 1. Raises IndexError outside."""
    if not 0 <= number < _COUNT:
        raise IndexError(number)
    surname_number, given = divmod(number, len(_GIVEN))
    surname, latin = vocabulary.SURNAMES[surname_number]
    (first, first_latin), (second, second_latin) = _GIVEN[given]
    return PersonName(
        hangul=surname + first + second,
        romanised=f"{latin} {first_latin.capitalize()}-{second_latin}",
        mailbox=f"{first_latin}{second_latin}.{latin.lower()}",
    )


_GIVEN: Final = tuple(
    (first, second)
    for first in vocabulary.FIRST_SYLLABLES
    for second in vocabulary.SECOND_SYLLABLES
    if first != second
)
_COUNT: Final = len(vocabulary.SURNAMES) * len(_GIVEN)
