"""Load of relying parties: OCSP askers in a process of their own, on connections kept open."""

import asyncio
import base64
import itertools
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from scripts.benchmark.load import LoadResult


@dataclass(frozen=True, slots=True)
class AskLoad:
    """Askers that ask as fast as they are answered. certificates, issuer: DER. with_nonce: by POST,
    so that each answer is signed; else by GET, which is answered by what was signed ahead."""

    host: str
    port: int
    certificates: Sequence[bytes]
    issuer: bytes
    with_nonce: bool
    askers: int
    duration_s: float


def ask(gate: Callable[[], None], load: AskLoad) -> LoadResult:
    """Run an AskLoad in this process."""
    return asyncio.run(_ask(gate, load))


async def _ask(gate: Callable[[], None], load: AskLoad) -> LoadResult:
    requests = itertools.cycle(list(_requests(load)))
    gate()
    cpu, begin = time.process_time(), time.perf_counter()
    results = await asyncio.gather(
        *(_repeat(load, requests, begin + load.duration_s) for _ in range(load.askers))
    )
    elapsed_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    latencies = sorted(latency for good, _ in results for latency in good)
    refused = sum(bad for _, bad in results)
    return LoadResult(
        latencies_s=latencies,
        warm_up=0,
        errors={"NO_ANSWER": refused} if refused else {},
        elapsed_s=elapsed_s,
        cpu_s=cpu_s,
        credentials=[],
    )


async def _repeat(
    load: AskLoad, requests: Iterator[bytes], until: float
) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection(load.host, load.port)
    good: list[float] = []
    bad = 0
    while time.perf_counter() < until:
        begin = time.perf_counter()
        writer.write(next(requests))
        if _is_signed(await _body(reader)):
            good.append(time.perf_counter() - begin)
        else:
            bad += 1
    writer.close()
    return good, bad


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        line.partition(b":")[2]
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return await reader.readexactly(int(length))


def _is_signed(response: bytes) -> bool:
    """Refusals are five bytes long (RFC 6960, 4.2.1)."""
    return len(response) > len(b"\x30\x03\x0a\x01\x06")


def _requests(load: AskLoad) -> Iterator[bytes]:
    issuer = x509.load_der_x509_certificate(load.issuer)
    for der in load.certificates:
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(der),
            issuer,
            hashes.SHA1(),  # noqa: S303 - what most clients use (RFC 5019, 2.1.1)
        )
        if load.with_nonce:
            builder = builder.add_extension(x509.OCSPNonce(secrets.token_bytes(16)), critical=False)
        yield _http(_der(builder), with_nonce=load.with_nonce)


def _der(builder: ocsp.OCSPRequestBuilder) -> bytes:
    return builder.build().public_bytes(Encoding.DER)


def _http(request: bytes, *, with_nonce: bool) -> bytes:
    if with_nonce:
        return (
            b"POST /ocsp HTTP/1.1\r\nHost: bench\r\nContent-Type: application/ocsp-request\r\n"
            + f"Content-Length: {len(request)}\r\n\r\n".encode()
            + request
        )
    path = quote(base64.b64encode(request).decode(), safe="")
    return f"GET /ocsp/{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
