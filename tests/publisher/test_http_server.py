"""The bounds of the HTTP server: time, connections, what goes wrong inside."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from signerd.core.boot import BootError, ExitCode
from signerd.publisher.server import HttpBounds, HttpServer
from tests.e2e.state import free_port

_BIG = 64 * 1024 * 1024
_LIMIT_S = 60.0
_EXCHANGE_S = 1.0


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello\n")


async def _echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def _big(_: web.Request) -> web.Response:
    return web.Response(body=bytes(_BIG))


async def _broken(_: web.Request) -> web.Response:
    raise RuntimeError("PIN 1234 in /srv/secret")


async def _never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def serving(*, max_connections: int = 8) -> AsyncIterator[int]:
    """The port of a server with short patience."""
    routes = [
        web.get("/hello", _hello),
        web.post("/echo", _echo),
        web.get("/big", _big),
        web.get("/broken", _broken),
        web.get("/never", _never),
    ]
    server = HttpServer(routes, HttpBounds(_EXCHANGE_S, max_connections))
    port = free_port()
    await server.start("127.0.0.1", port)
    try:
        yield port
    finally:
        await server.stop()


class Peer:
    """A connection on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def until_end(self) -> bytes:
        """Everything until the server hangs up, one way or the other."""
        async with asyncio.timeout(_LIMIT_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def peer(port: int, sent: bytes = b"") -> AsyncIterator[Peer]:
    """Connect and send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def asking(path: str, *, closing: bool = True) -> bytes:
    """A request."""
    last = b"Connection: close\r\n" if closing else b""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() + last + b"\r\n"


async def says_hello(port: int) -> bool:
    """Whether others are served."""
    async with peer(port, asking("/hello")) as other:
        return (await other.until_end()).endswith(b"\r\n\r\nhello\n")


async def await_hello(port: int) -> None:
    """Wait until others are served."""
    async with asyncio.timeout(_LIMIT_S):
        while not await says_hello(port):  # noqa: ASYNC110 - the kernel sets no event
            await asyncio.sleep(0.05)


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    """The connection is closed when the time for the exchange is over; others are served."""
    async with serving() as port:
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
        async with peer(port, head) as slow:
            assert await says_hello(port)
            assert await slow.until_end() == b""


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    """Nor by a client whose question hangs inside."""
    async with serving() as port, peer(port, asking("/never")) as waiting:
        assert await waiting.until_end() == b""


async def test_a_peer_that_takes_nothing_is_dropped() -> None:
    """It asked for much and does not read it; the server does not keep it."""
    async with serving(max_connections=1) as port:
        sock = socket.create_connection(("127.0.0.1", port))
        try:
            sock.sendall(asking("/big"))
            await await_hello(port)
        finally:
            sock.close()


async def test_a_connection_too_many_is_closed_at_once() -> None:
    """And there is room again as soon as one has gone."""
    async with serving(max_connections=2) as port:
        async with peer(port, asking("/hello", closing=False)) as first:
            await first.reader.readuntil(b"hello\n")
            async with peer(port, asking("/hello", closing=False)) as second:
                await second.reader.readuntil(b"hello\n")
                assert not await says_hello(port)
        await await_hello(port)


async def test_a_defect_is_told_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """500 with constant words."""
    async with serving() as port, peer(port, asking("/broken")) as caller:
        seen = await caller.until_end()
    assert seen.startswith(b"HTTP/1.1 500 ")
    assert seen.endswith(b"\r\n\r\ninternal error\n")
    assert b"secret" not in seen
    out, err = capfd.readouterr()
    assert "RuntimeError" in out + err


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["tls", "negative length", "long path", "long header"],
)
async def test_what_is_no_http_is_refused(sent: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """And costs no line of the log."""
    async with serving() as port, peer(port, sent) as stranger:
        seen = await stranger.until_end()
        assert seen.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")) or seen == b""
        assert b"Traceback" not in seen
        assert await says_hello(port)
    out, err = capfd.readouterr()
    assert out + err == ""


async def test_a_taken_address_is_told() -> None:
    """With the key of the configuration that chooses another."""
    async with serving() as port:
        with pytest.raises(BootError, match=r"\[publisher\] listen") as refused:
            await HttpServer([], HttpBounds(1.0, 1)).start("127.0.0.1", port)
    assert refused.value.code is ExitCode.ADDRESS_IN_USE
