"""Pages of listings as callers ask for them."""

from typing import Final

from signerd.core.error import InvalidRequest
from signerd.core.record import Page

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000


def page_of(size: int, token: str) -> Page:
    """A page request with the default filled in. Raises InvalidRequest."""
    if not 0 <= size <= LARGEST_PAGE:
        raise InvalidRequest(
            f"page_size: 0 (for {DEFAULT_PAGE}) to {LARGEST_PAGE}", field="page_size"
        )
    return Page(size or DEFAULT_PAGE, token)
