"""PINs with which subscribers agree to the use of a key: their strength and their hashes.

A PIN has few values: its hash is of a keyed hash under a key on a token, so that whoever has a copy
of the database alone cannot try them all.
"""

import re
from itertools import pairwise
from typing import Final

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.value import SubscriberId
from signerd.identity.keyed_hash import Mac, mac_input
from signerd.identity.password import DEFAULT_COST, Argon2Cost, hash_secret, matches_hash

_FORM: Final = re.compile(r"[0-9]{6,12}")
_LEAST_DIFFERENT: Final = 3
_FIELD: Final = "new_pin"


def check_pin(pin: Secret, *, phone: str) -> None:
    """Refuse what anybody would try first. phone: of the subscriber, in any form; empty for none.

    Raises InvalidRequest: PIN_MALFORMED, PIN_WEAK.
    """
    text = pin.reveal()
    if not is_pin(pin):
        raise InvalidRequest("a PIN has 6 to 12 digits", reason="PIN_MALFORMED", field=_FIELD)
    if why := _weakness(text, re.sub(r"[^0-9]", "", phone)):
        raise InvalidRequest(
            f"the PIN {why}; take one that nobody would try", reason="PIN_WEAK", field=_FIELD
        )


def is_pin(pin: Secret) -> bool:
    """Whether it has the form of one."""
    return _FORM.fullmatch(pin.reveal()) is not None


async def keyed_pin(pin: Secret, subscriber: SubscriberId, mac: Mac) -> Secret:
    """What is hashed and compared: the same PIN of another subscriber gives something else. Bound
    to no credential, so that it outlasts a renewal."""
    return Secret((await mac(mac_input("activation PIN", subscriber, pin.reveal()))).hex())


def hash_pin(keyed: Secret, *, salt: bytes, cost: Argon2Cost = DEFAULT_COST) -> str:
    """PHC string (argon2id). Takes some 80 ms of a core: call it in a thread."""
    return hash_secret(keyed, cost, salt)


def matches_pin(pin_hash: str, keyed: Secret) -> bool:
    """As long as hash_pin. Raises Internal (PASSWORD_HASH_BROKEN)."""
    return matches_hash(pin_hash, keyed)


def _weakness(text: str, phone: str) -> str:
    if len(set(text)) < _LEAST_DIFFERENT:
        return f"has fewer than {_LEAST_DIFFERENT} different digits"
    if {(int(b) - int(a)) % 10 for a, b in pairwise(text)} in ({1}, {9}):
        return "counts up or down"
    if any(text == text[:size] * (len(text) // size) for size in range(1, len(text) // 2 + 1)):
        return "repeats itself"
    if phone and text in phone:
        return "is part of the phone number"
    return ""
