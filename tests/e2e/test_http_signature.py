"""A bank's HTTP server takes what keys on the token have signed, and nothing else."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import httpx
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
    algorithms,
)

from examples.private_daemon import PrivateDaemon
from signerd_client import AsyncClient, Certificate, Client, KeyAlgorithm
from signerd_client.http_signature import HttpSignature
from signerd_client.httpx_signature import HttpxSignature

ORDER: Final = {"payee": "김영희", "won": 10_000}
_VERIFIERS: Final[dict[KeyAlgorithm, type[HTTPSignatureAlgorithm]]] = {
    KeyAlgorithm.RSA_2048_PKCS1_SHA256: algorithms.RSA_V1_5_SHA256,
    KeyAlgorithm.EC_P256_SHA256: algorithms.ECDSA_P256_SHA256,
    KeyAlgorithm.ED25519: algorithms.ED25519,
}


@dataclass(frozen=True)
class _Received:
    method: str
    url: str
    headers: dict[str, str]


@dataclass
class BankServer:
    """Answers 204 to what is signed by a known key, with method, target and content; else 401."""

    certificates: dict[str, Certificate] = field(default_factory=dict)
    url: str = ""
    refusals: list[str] = field(default_factory=list)

    def status(self, request: _Received, content: bytes, key_id: str) -> int:
        certificate = self.certificates.get(key_id)
        if certificate is None:
            return 401
        public = x509.load_der_x509_certificate(certificate.der).public_key()
        assert isinstance(
            public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
        )
        assert certificate.key_algorithm is not None
        verifier = HTTPMessageVerifier(
            signature_algorithm=_VERIFIERS[certificate.key_algorithm],
            key_resolver=MappingKeyResolver(public_keys={key_id: public}, private_keys={}),
        )
        wanted = ("@method", "@target-uri", "content-digest")
        try:
            verifier.verify(request, body=content, require_components=wanted)
        except HTTPMessageSignaturesException as refusal:
            self.refusals.append(str(refusal))
            return 401
        return 204


@pytest.fixture(scope="module")
def server() -> Iterator[BankServer]:
    bank = BankServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = _Received(
                "POST", f"http://{self.headers['Host']}{self.path}", dict(self.headers)
            )
            key_id = (
                self.headers.get("Signature-Input", "").partition('keyid="')[2].partition('"')[0]
            )
            self.send_response(bank.status(received, content, key_id))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        bank.url = f"http://127.0.0.1:{listening.server_port}/transfers?day=1"
        yield bank
        listening.shutdown()
        thread.join()


@pytest.fixture(params=_VERIFIERS)
def certificate(request: pytest.FixtureRequest, officer: Client, server: BankServer) -> Certificate:
    """A customer whom the bank's server knows."""
    certificate = officer.issue_certificate(
        f"http-{uuid.uuid4().hex[:12]}", "personal", "홍길동", key_algorithm=request.param
    )
    server.certificates[certificate.credential] = certificate
    return certificate


def test_requests_signs_with_a_key_on_the_token(
    certificate: Certificate, signer: Client, server: BankServer
) -> None:
    """The same content with somebody else's order in it is refused."""
    signature = HttpSignature(signer.private_key(certificate.credential))
    with requests.Session() as session:
        assert session.post(server.url, json=ORDER, auth=signature).status_code == 204
        signed = requests.Request("POST", server.url, json=ORDER, auth=signature).prepare()
        assert isinstance(signed.body, bytes)
        signed.body = signed.body.replace(b"10000", b"90000")
        assert session.send(signed).status_code == 401
    assert "does not match" in server.refusals[-1]


def test_httpx_signs_with_a_key_on_the_token(
    certificate: Certificate, signer: Client, server: BankServer
) -> None:
    """Unsigned, the same request is refused."""
    auth = HttpxSignature(HttpSignature(signer.private_key(certificate.credential)))
    with httpx.Client(auth=auth) as client:
        assert client.post(server.url, json=ORDER).status_code == 204
        assert client.post(server.url, json=ORDER, auth=lambda request: request).status_code == 401


async def test_asynchronous_clients_sign_beside_their_event_loop(
    certificate: Certificate, daemon: PrivateDaemon, server: BankServer
) -> None:
    """Both are asynchronous: httpx and the daemon's client."""
    async with AsyncClient(daemon.target("signer")) as signer:
        key = await signer.private_key(certificate.credential)
        async with httpx.AsyncClient(auth=HttpxSignature(HttpSignature(key))) as client:
            assert (await client.post(server.url, json=ORDER)).status_code == 204
