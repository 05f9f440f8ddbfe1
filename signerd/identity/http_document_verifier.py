"""Identity documents, asked about at the bank's verification service over HTTP.

POST, JSON: {"kind": "RESIDENT_CARD", "number": "…", "name": "…", "issue_date": "2026-11-24"}; the
answer, 200 and JSON: {"outcome": "GENUINE", "reference": "…"}, outcome as in DocumentOutcome.
"""

import ssl
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from signerd.config.secret_source import Secret
from signerd.core.error import ServiceUnavailable
from signerd.identity.document import DocumentOutcome, DocumentVerdict, IdentityDocument

_MOST_BYTES: Final = 16_384
_LONGEST_REFERENCE: Final = 128
_OK: Final = 200
_RETRY_S: Final = 5.0


class _Answer(msgspec.Struct):
    outcome: DocumentOutcome
    reference: str = ""


class HttpDocumentVerifier:
    """A DocumentVerifier; an asynchronous context, in which the connections are kept.

    Raises ValueError for a url of another kind.

    url: https, or http to this machine. timeout_s: for the whole answer. tls: what to trust and
    how to show who is asking; None for the system's trust. authorization: value of the header of
    this name. Nothing is asked twice: the service may charge for it, and the caller can.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        authorization: Secret | None = None,
    ) -> None:
        self._url = _checked(url)
        self._timeout = ClientTimeout(total=timeout_s)
        self._tls = tls
        self._authorization = authorization
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            timeout=self._timeout, cookie_jar=DummyCookieJar(), auto_decompress=False
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def verify(self, document: IdentityDocument) -> DocumentVerdict:
        """Ask. Raises ServiceUnavailable (DOCUMENT_SERVICE_UNAVAILABLE), without the question."""
        if self._session is None:
            raise RuntimeError("ask within the context of the verifier")
        question = {
            "kind": document.kind.value,
            "number": document.number.reveal(),
            "name": document.name.reveal(),
            "issue_date": document.issue_date.isoformat(),
        }
        try:
            async with self._session.post(
                self._url,
                data=msgspec.json.encode(question),
                headers=self._headers(),
                allow_redirects=False,
                ssl=True if self._tls is None else self._tls,
            ) as response:
                return _verdict(response.status, await _bounded_body(response))
        except TimeoutError:
            seconds = self._timeout.total
            raise _unavailable(f"did not answer within {seconds:g} seconds") from None
        except ClientError as error:
            # The type alone: the text of some holds what was sent or received.
            raise _unavailable(f"cannot be reached ({type(error).__name__})") from None

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if self._authorization is not None:
            headers["Authorization"] = self._authorization.reveal()
        return headers


def _checked(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and (host == "localhost" or _is_loopback(host)):
        return url
    raise ValueError("use https, or http to this machine: the question holds personal data")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _bounded_body(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise _unavailable(f"answered more than {_MOST_BYTES} bytes")
    return bytes(body)


def _verdict(status: int, body: bytes) -> DocumentVerdict:
    if status != _OK:
        raise _unavailable(f"answered HTTP {status}")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _unavailable("answered something that is no verdict") from None
    if len(answer.reference) > _LONGEST_REFERENCE or not answer.reference.isprintable():
        raise _unavailable("answered an unusable reference")
    return DocumentVerdict(answer.outcome, answer.reference)


def _unavailable(problem: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"the verification service for identity documents {problem}; try again, and tell the "
        "operator if this repeats",
        reason="DOCUMENT_SERVICE_UNAVAILABLE",
        retry_after_s=_RETRY_S,
    )
