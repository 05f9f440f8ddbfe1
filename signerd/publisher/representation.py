"""What is sent, and for how long caches may keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from aiohttp import web

NO_STORE: Final[Mapping[str, str]] = MappingProxyType({"Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True)
class Representation:
    """A body that caches may keep. modified_utc, until_utc: thisUpdate and nextUpdate where it has
    them. most_s: longest time in a cache, in seconds; a change is seen there as late as that."""

    body: bytes
    content_type: str
    modified_utc: datetime
    until_utc: datetime
    most_s: float

    @property
    def etag(self) -> str:
        """Changes with the body (RFC 5019, 6.2)."""
        return sha256(self.body).hexdigest()

    def headers(self, now_utc: datetime) -> dict[str, str]:
        """As RFC 5019, 6.2 has them for OCSP; CRLs age the same way."""
        left_s = (self.until_utc - now_utc).total_seconds()
        max_age = max(0, int(min(self.most_s, left_s)))
        return {
            "Cache-Control": f"max-age={max_age}, public, no-transform, must-revalidate",
            "ETag": f'"{self.etag}"',
            "Expires": _http_date(self.until_utc),
            "Last-Modified": _http_date(self.modified_utc),
        }


def respond(
    request: web.Request, representation: Representation, now_utc: datetime
) -> web.Response:
    """The whole body, or 304 for an asker that has it."""
    headers = representation.headers(now_utc)
    if request.method in {"GET", "HEAD"} and _has_it(request, representation):
        return web.Response(status=web.HTTPNotModified.status_code, headers=headers)
    return web.Response(
        body=representation.body, content_type=representation.content_type, headers=headers
    )


def _has_it(request: web.Request, representation: Representation) -> bool:
    """RFC 9110, 13.2.2: If-None-Match goes before If-Modified-Since."""
    known = request.if_none_match
    if known is not None:
        return any(one.value in {"*", representation.etag} for one in known)
    since = request.if_modified_since
    return since is not None and representation.modified_utc.replace(microsecond=0) <= since


def _http_date(time: datetime) -> str:
    return format_datetime(time.astimezone(UTC).replace(microsecond=0), usegmt=True)
