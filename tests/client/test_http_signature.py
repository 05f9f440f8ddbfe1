"""Signed HTTP requests without a network, and RFC 9421's own example."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import (
    ContentDigest,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from signerd_client import KeyAlgorithm
from signerd_client.http_signature import HttpSignature
from signerd_client.httpx_signature import HttpxSignature
from tests.client.software_key import SoftwareDaemon, remote_key

URL = "https://bank.example/transfers?day=1"
ORDER = '{"won": 10000}'
_EC = ec.generate_private_key(ec.SECP256R1())
_HASHED = ec.ECDSA(Prehashed(hashes.SHA256()))
KEY = remote_key(
    KeyAlgorithm.EC_P256_SHA256,
    _EC,
    SoftwareDaemon(lambda request: _EC.sign(request.digest.sha256, _HASHED)),
)
# RFC 9421, appendix B.1.4.
_RFC_KEY = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""


def _signed(signature: HttpSignature, **request: Any) -> requests.PreparedRequest:
    return requests.Request("POST", URL, auth=signature, **request).prepare()


def _verify(request: requests.PreparedRequest) -> set[str]:
    """What is covered by the signature. Raises InvalidSignature."""
    resolver = MappingKeyResolver(public_keys={"credentials/c": _EC.public_key()}, private_keys={})
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=resolver
    )
    body = request.body.encode() if isinstance(request.body, str) else request.body
    (result,) = verifier.verify(request, body=body)
    return set(result.covered_components)


def test_the_example_of_the_rfc_is_made_byte_for_byte() -> None:
    """RFC 9421, appendix B.2.6: an Ed25519 signature over six components."""
    software = load_pem_private_key(_RFC_KEY, None)
    assert isinstance(software, ed25519.Ed25519PrivateKey)
    daemon = SoftwareDaemon(lambda request: software.sign(request.data))
    signature = HttpSignature(
        remote_key(KeyAlgorithm.ED25519, software, daemon),
        key_id="test-key-ed25519",
        components=("date", "@method", "@path", "@authority", "content-type", "content-length"),
        label="sig-b26",
        now=lambda: datetime.fromtimestamp(1618884473, UTC),
    )
    request = requests.Request(
        "POST",
        "https://example.com/foo?param=Value&Pet=dog",
        headers={"Date": "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type": "application/json"},
        data='{"hello": "world"}',
        auth=signature,
    ).prepare()
    assert request.headers["Signature-Input"] == (
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    assert request.headers["Signature"] == (
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lI"
        "p5WPpBKRCw==:"
    )


def test_the_content_is_signed_by_its_digest() -> None:
    """Method, target, type and digest are covered; a changed content is noticed."""
    request = _signed(HttpSignature(KEY), data=ORDER, headers={"Content-Type": "application/json"})
    assert _verify(request) >= {'"@method"', '"@target-uri"', '"content-type"', '"content-digest"'}
    request.body = ORDER.replace("1", "9")
    with pytest.raises(InvalidSignature):
        _verify(request)


def test_a_request_without_content_has_no_digest() -> None:
    """Method and target are signed all the same."""
    request = _signed(HttpSignature(KEY))
    assert "Content-Digest" not in request.headers
    assert _verify(request) >= {'"@method"', '"@target-uri"'}
    request.method = "DELETE"
    with pytest.raises(InvalidSignature):
        _verify(request)


def test_a_digest_that_is_there_is_used() -> None:
    """Such as one of SHA-512, if it is right."""
    digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
    with pytest.raises(InvalidSignature, match="does not match"):
        _signed(HttpSignature(KEY), data=ORDER, headers={"Content-Digest": digest})


def test_life_nonce_and_algorithm_can_be_named() -> None:
    """Expiry counts from the creation; each request has a nonce of its own."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    nonces = iter(["n1", "n2"])
    signature = HttpSignature(
        KEY,
        key_id="k",
        lifetime_s=60,
        label="bank",
        nonce=lambda: next(nonces),
        names_algorithm=True,
        now=lambda: now,
    )
    given = _signed(signature).headers["Signature-Input"]
    created = int(now.timestamp())
    assert given.startswith('bank=("@method" "@target-uri");')
    assert f"created={created}" in given
    assert f"expires={created + 60}" in given
    assert 'alg="ecdsa-p256-sha256"' in given
    assert 'keyid="k"' in given
    assert 'nonce="n1"' in given
    assert 'nonce="n2"' in _signed(signature).headers["Signature-Input"]


def test_streamed_content_is_refused() -> None:
    """Its digest would have to be known before it is sent."""
    with pytest.raises(ValueError, match="cannot be streamed"):
        _signed(HttpSignature(KEY), data=iter([b"a"]))


def test_an_algorithm_without_a_name_is_refused_at_once() -> None:
    """RFC 9421 has PSS with SHA-512 only."""
    software = rsa.generate_private_key(65537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    daemon = SoftwareDaemon(lambda request: software.sign(request.data, pss, hashes.SHA256()))
    key = remote_key(KeyAlgorithm.RSA_2048_PSS_SHA256, software, daemon)
    with pytest.raises(ValueError, match="use a key of one of"):
        HttpSignature(key)


def test_httpx_reads_streamed_content_before_it_is_signed() -> None:
    """There it can be known, and the digest is of all of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        ContentDigest.verify(request.headers["Content-Digest"], b"order")
        return httpx.Response(204, request=request)

    auth = HttpxSignature(HttpSignature(KEY))
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
        assert client.post(URL, content=iter([b"or", b"der"])).status_code == 204
        assert "Content-Digest" not in client.build_request("GET", URL).headers
