"""Text drawn evenly from an alphabet."""

from collections.abc import Callable
from typing import Final

from signerd.core.error import Internal

DIGITS: Final = "0123456789"

_VALUES: Final = 256
# Less than half of all bytes are thrown away; this many in a row are no accident.
_MOST_DRAWS: Final = 128


def random_text(alphabet: str, length: int, random: Callable[[int], bytes]) -> str:
    """So many characters, each one as likely as any other. random: bytes from a secure source.

    Bytes that would favour the front of the alphabet are drawn again. Raises Internal
    (RANDOMNESS_BROKEN) when the source gives nothing else.
    """
    return "".join(_character(alphabet, random) for _ in range(length))


def _character(alphabet: str, random: Callable[[int], bytes]) -> str:
    usable = _VALUES - _VALUES % len(alphabet)
    for _ in range(_MOST_DRAWS):
        value = random(1)[0]
        if value < usable:
            return alphabet[value % len(alphabet)]
    raise Internal("the source of random bytes repeats itself", reason="RANDOMNESS_BROKEN")
