"""Searches on a token on which other processes destroy objects meanwhile."""

from collections.abc import Iterator
from typing import Any, Final

from pkcs11 import KeyHandleInvalid, Object, ObjectHandleInvalid, Session

# Not in the stubs; Session.get_objects is a loop over it that ends at the first object that fails.
from pkcs11._pkcs11 import SearchIter  # type: ignore[attr-defined]

GONE: Final = (KeyHandleInvalid, ObjectHandleInvalid)
"""What SoftHSM says of an object that was destroyed since it was found."""


def objects_left(session: Session, template: dict[Any, Any]) -> Iterator[Object]:
    """The objects that match, passing over those that are gone when their turn comes.

    Raises PKCS11Error. Ends the search when it is closed; until then the session can do nothing
    but read attributes.
    """
    with SearchIter(session, template, 1) as search:
        for batch in search:
            try:
                yield from list(batch)
            except GONE:
                continue
