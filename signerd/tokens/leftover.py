"""What a host that was killed while it made a key leaves on a token."""

import time
from collections.abc import Callable
from typing import Final

from pkcs11 import Attribute, Object, ObjectClass, Session

from signerd.tokens.search import GONE, objects_left

_KEY_CLASSES: Final = frozenset(
    {ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY, ObjectClass.SECRET_KEY}
)
# Far longer than a living host needs from the first to the last write of a key's objects.
_PAUSE_S: Final = 0.3


def destroy_unfinished(session: Session, sleep: Callable[[float], None] = time.sleep) -> int:
    """Destroy objects of which only the beginning was written; returns how many.

    SoftHSM stores an object with default attributes first: a key that is not on a token
    (CKA_TOKEN false), without CKA_ID and without key. No CKA_ID leads to it, and nothing else looks
    like this: our own sessions make no session objects. One that stays so is nobody's. Raises
    PKCS11Error.
    """
    seen = {key.handle for key in _unfinished(session)}
    if not seen:
        return 0
    sleep(_PAUSE_S)
    count = 0
    for key in [key for key in _unfinished(session) if key.handle in seen]:
        try:
            key.destroy()
        except GONE:
            continue
        count += 1
    return count


def _unfinished(session: Session) -> list[Object]:
    return [key for key in objects_left(session, {Attribute.TOKEN: False}) if _is_nameless_key(key)]


def _is_nameless_key(key: Object) -> bool:
    try:
        return (
            key[Attribute.CLASS] in _KEY_CLASSES
            and not key[Attribute.TOKEN]
            and not key[Attribute.ID]
        )
    except GONE:
        return False
