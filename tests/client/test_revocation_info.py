"""CRLs from a publisher that has none yet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signerd_client.error import Unavailable
from signerd_client.revocation_info import fetch_crls

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = datetime(2026, 11, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def _ca() -> tuple[ec.EllipticCurvePrivateKey, x509.Name]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
    return ec.generate_private_key(ec.SECP256R1()), name


def _crl(key: ec.EllipticCurvePrivateKey, name: x509.Name) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(name)
    builder = builder.last_update(_START).next_update(_START + _DAY)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _certificate(
    key: ec.EllipticCurvePrivateKey, name: x509.Name, url: str
) -> asn1_x509.Certificate:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(_START).not_valid_after(_START + _DAY)
    builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    return asn1_x509.Certificate.load(signed.public_bytes(Encoding.DER))


@contextmanager
def _publisher(answers: "Sequence[tuple[int, dict[str, str], bytes]]") -> Iterator[str]:
    """Gives one answer after the other, the last one for ever; its URL."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ca.crl"
        server.shutdown()
        thread.join()


def test_a_publisher_that_says_when_is_asked_again() -> None:
    """As after its start, when the CRL is still being made."""
    key, name = _ca()
    crl = _crl(key, name)
    later = (503, {"Retry-After": "0"}, b"")
    with _publisher([later, later, (200, {}, crl)]) as url:
        assert fetch_crls([_certificate(key, name, url)]) == [crl]


@pytest.mark.parametrize(
    "answer",
    [(503, {}, b""), (503, {"Retry-After": "3600"}, b""), (404, {"Retry-After": "0"}, b"")],
)
def test_one_that_does_not_is_unavailable(answer: tuple[int, dict[str, str], bytes]) -> None:
    """At once, and the message names it."""
    key, name = _ca()
    with _publisher([answer]) as url, pytest.raises(Unavailable) as refused:
        fetch_crls([_certificate(key, name, url)])
    assert url in refused.value.message
