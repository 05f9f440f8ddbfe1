"""An RPC that does nothing, with the sizes of Sign, over the same TLS: what gRPC itself costs."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from examples.private_daemon import PrivateDaemon
from scripts.benchmark.companion import Companion, run_together

_RPC: Final = "Empty"
_SERVICE: Final = "signerd.bench.Nothing"
_REQUEST: Final = bytes(110)  # Sign of a digest
_ANSWER: Final = bytes(200)  # its answer for P-256
_ANSWER_LIMIT_S: Final = 60.0
_AFTER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class EmptyRate:
    """server_cpu_us: of one call."""

    callers: int
    calls: int
    rate_per_s: float
    server_cpu_us: float


@dataclass(frozen=True, slots=True)
class _Tls:
    directory: Path

    def server(self) -> grpc.ServerCredentials:
        pair = [((self.directory / f"server.{it}").read_bytes()) for it in ("key", "pem")]
        ca = (self.directory / "ca.pem").read_bytes()
        return grpc.ssl_server_credentials([(pair[0], pair[1])], ca, require_client_auth=True)

    def client(self) -> grpc.ChannelCredentials:
        clients = self.directory / "clients"
        return grpc.ssl_channel_credentials(
            (self.directory / "ca.pem").read_bytes(),
            (clients / "signer.key").read_bytes(),
            (clients / "signer.pem").read_bytes(),
        )


def measure_empty(daemon: PrivateDaemon, callers: int, duration_s: float) -> EmptyRate:
    """With the certificates of a daemon; server and callers in processes of their own."""
    tls = _Tls(daemon.directory / "tls")
    port_file = daemon.directory / "empty.port"
    port_file.unlink(missing_ok=True)
    server = Companion(_serve, tls, port_file, duration_s)
    server.wait_until_ready()
    client = Companion(_call, tls, port_file, callers, duration_s)
    client.wait_until_ready()
    cpu_s, calls = run_together([server, client], duration_s + _ANSWER_LIMIT_S)
    return EmptyRate(callers, int(calls), calls / duration_s, cpu_s / max(1.0, calls) * 1e6)


def _note(port_file: Path, port: int) -> None:
    port_file.write_text(str(port))


def _serve(gate: Callable[[], None], tls: _Tls, port_file: Path, duration_s: float) -> float:
    async def nothing(_request: bytes, _context: object) -> bytes:
        return _ANSWER

    async def run() -> float:
        server = grpc.aio.server()
        handler: Any = grpc.unary_unary_rpc_method_handler(nothing)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(_SERVICE, {_RPC: handler}),)
        )
        port = server.add_secure_port("127.0.0.1:0", tls.server())
        await server.start()
        _note(port_file, port)
        await asyncio.to_thread(gate)
        cpu = time.process_time()
        await asyncio.sleep(duration_s)
        used = time.process_time() - cpu
        await asyncio.sleep(_AFTER_S)  # the callers' clocks began a little later
        await server.stop(_AFTER_S)
        return used

    return asyncio.run(run())


def _call(
    gate: Callable[[], None], tls: _Tls, port_file: Path, callers: int, duration_s: float
) -> float:
    address = f"localhost:{port_file.read_text()}"

    async def run() -> float:
        options = (("grpc.use_local_subchannel_pool", 1),)
        channels = [grpc.aio.secure_channel(address, tls.client(), options) for _ in range(callers)]
        sends = [channel.unary_unary(f"/{_SERVICE}/{_RPC}", None, None) for channel in channels]
        for send in sends:
            await send(_REQUEST)
        gate()
        until, calls = time.perf_counter() + duration_s, 0

        async def repeat(send: Any) -> None:
            nonlocal calls
            while time.perf_counter() < until:
                await send(_REQUEST)
                calls += 1

        await asyncio.gather(*map(repeat, sends))
        for channel in channels:
            await channel.close(None)
        return float(calls)

    return asyncio.run(run())
