"""Korean text as it is typed on the standard two-set keyboard (KS X 5002).

Korean passwords are often Korean words typed with the keyboard in Latin mode. Written as keys, the
word and its disguise are the same text.
"""

import unicodedata
from typing import Final

# Conjoining jamo of Unicode, in code point order from U+1100, U+1161 and U+11A8.
_LEADING: Final = "r R s e E f a q Q t T d w W c z x v g"
_VOWEL: Final = "k o i O j p u P h hk ho hl y n nj np nl b m ml l"
_TRAILING: Final = "r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"
_FIRST: Final = ((0x1100, _LEADING), (0x1161, _VOWEL), (0x11A8, _TRAILING))
_KEYS: Final = {
    chr(first + index): keys for first, row in _FIRST for index, keys in enumerate(row.split())
}


def keystrokes(text: str) -> str:
    """The keys in Latin mode, lower case; what is not Korean is left as it is.

    Single letters (U+3131 on) count as those of a syllable.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(_KEYS.get(character, character) for character in decomposed).casefold()
