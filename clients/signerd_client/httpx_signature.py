"""HttpSignature for httpx, blocking and asynchronous.

    httpx.post(url, json=order, auth=HttpxSignature(HttpSignature(key)))

Needs `pip install 'signerd[http]' httpx`.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator

import httpx

from signerd_client.http_signature import HttpSignature


class HttpxSignature(httpx.Auth):
    """An `auth` that signs each request with a signature's key and options."""

    # httpx reads streams before they are signed: their digest has to be known.
    requires_request_body = True

    def __init__(self, signature: HttpSignature) -> None:
        self._signature = signature

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        request.read()
        self._sign(request)
        yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await request.aread()
        # In another thread, so that the event loop is free, also for an AsyncClient's key.
        await asyncio.to_thread(self._sign, request)
        yield request

    def _sign(self, request: httpx.Request) -> None:
        self._signature.sign(request, request.content or None)
