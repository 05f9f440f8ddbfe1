"""Page cursors: opaque to callers, and good only for the listing they came from."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec

from signerd.core.error import InvalidRequest

_T = TypeVar("_T")

_DIGEST_CHARACTERS: Final = 16
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def make_cursor(listing: object, last: object) -> str:
    """A cursor that stands after an item.

    listing: name and filter of the listing; last: sort key of the item. Both of types that JSON
    can carry.
    """
    body = _encode([_digest(listing, last), last])
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def read_cursor(cursor: str, listing: object, kind: type[_T]) -> _T:
    """The sort key in a cursor. Raises InvalidRequest (INVALID_PAGE_TOKEN) for a cursor of another
    listing, with another filter, or of another make."""
    with _refused():
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, last = msgspec.json.decode(body, type=tuple[str, kind])  # type: ignore[valid-type] # the type is a parameter
    if digest != _digest(listing, last):
        raise _foreign()
    return last


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except (ValueError, msgspec.MsgspecError):
        raise _foreign() from None


def _foreign() -> InvalidRequest:
    return InvalidRequest(
        "page_token: send next_page_token of the previous answer, with the same filters",
        reason="INVALID_PAGE_TOKEN",
        field="page_token",
    )


def _digest(listing: object, last: object) -> str:
    return hashlib.sha256(_encode([listing, last])).hexdigest()[:_DIGEST_CHARACTERS]
