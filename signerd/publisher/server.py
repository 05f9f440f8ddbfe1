"""The HTTP server: its bounds, and how it ends."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from signerd.core.boot import BootError, ExitCode
from signerd.observability.event import LogEvent
from signerd.pki.ocsp import MAX_OCSP_REQUEST_BYTES

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A connection on which nothing is asked is kept for so long, and a request's head may take so long.
_IDLE_S: Final = 15.0
_BACKLOG: Final = 512
_STOP_S: Final = 5.0
_SERVER: Final = "signerd"


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """exchange_s: seconds from the end of a request's head until the last byte of the answer is on
    its way. max_connections: one more is closed at once."""

    exchange_s: float
    max_connections: int


class HttpServer:
    """Serves routes on one address. The bodies of requests are OCSP requests and as short."""

    def __init__(self, routes: Sequence[web.RouteDef], bounds: HttpBounds) -> None:
        self._bounds = bounds
        application = web.Application(
            middlewares=[self._exchange], client_max_size=MAX_OCSP_REQUEST_BYTES + 1
        )
        application.add_routes(routes)
        application.on_response_prepare.append(_name_server)
        # What peers do wrong is no news; what we do wrong is logged here.
        quiet = logging.getLogger("signerd.publisher.http")
        quiet.setLevel(logging.CRITICAL)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=quiet,
            keepalive_timeout=_IDLE_S,
            lingering_time=0.0,
            shutdown_timeout=_STOP_S,
        )
        self._server: asyncio.Server | None = None
        self._log = structlog.get_logger()

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises BootError (ADDRESS_IN_USE)."""
        await self._runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._connect, sock=_listening_socket(host, port, self._bounds.exchange_s)
            )
        except OSError as error:
            raise BootError(
                ExitCode.ADDRESS_IN_USE,
                f"cannot listen on {host}:{port}: {error.strerror}; stop what has the address, or "
                "choose another in [publisher] listen",
            ) from None

    async def stop(self) -> None:
        """Take no more connections and end those that there are."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _connect(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._bounds.max_connections:
            return _Refusal()
        protocol: asyncio.BaseProtocol = server()
        return protocol

    @web.middleware
    async def _exchange(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer in time or hang up; a defect of ours is told nobody but the log."""
        try:
            async with asyncio.timeout(self._bounds.exchange_s):
                response = await self._handled(request, handler)
                await response.prepare(request)
                await response.write_eof()
                return response
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from None

    async def _handled(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            return _plain(refusal)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - aiohttp would log the request with its own words
            self._log.exception(LogEvent.WORK_FAILED)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text="internal error\n")


class _Refusal(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _plain(refusal: web.HTTPException) -> web.Response:
    headers = {
        name: value
        for name, value in refusal.headers.items()
        if name in {"Allow", "Accept", "Cache-Control", "Retry-After"}
    }
    return web.Response(status=refusal.status, text=refusal.text, headers=headers)


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    """Versions are nobody's business."""
    response.headers["Server"] = _SERVER


def _listening_socket(host: str, port: int, patience_s: float) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: a peer that takes nothing of what it asked for is dropped
        # by the kernel (tcp(7)).
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience_s * 1000))
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)  # noqa: FBT003 - positional-only
    except OSError:
        listening.close()
        raise
    return listening
