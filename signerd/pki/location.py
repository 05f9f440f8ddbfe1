"""Which URIs may stand in a certificate: relying parties follow them."""

from typing import Final
from urllib.parse import urlsplit

_MAX_URI_LENGTH: Final = 1024


def check_location_uri(text: str) -> str:
    """The URI of a CRL or CA certificate: absolute http or ldap, ASCII (RFC 5280, 4.2.1.13).

    https is refused: fetching it would need the very check it serves (RFC 5280, section 8). Raises
    ValueError.
    """
    return _check(text, ("http", "ldap"))


def check_http_uri(text: str) -> str:
    """The URI of a page or an OCSP responder: absolute http or https, ASCII. Raises ValueError."""
    return _check(text, ("http", "https"))


def _check(text: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(text)
    printable = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in schemes or not parts.hostname or not printable:
        raise ValueError(f"give an absolute {' or '.join(schemes)} URI in ASCII")
    if len(text) > _MAX_URI_LENGTH:
        raise ValueError(f"the URI has more than {_MAX_URI_LENGTH} characters")
    return text
