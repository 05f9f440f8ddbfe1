"""What is made of OCSP requests, those of openssl among them."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.pki.ocsp import (
    MAX_OCSP_REQUEST_BYTES,
    CertIdHash,
    MalformedOcspRequest,
    OcspQuery,
    parse_ocsp_get,
    parse_ocsp_request,
)
from tests.pki.judge import openssl
from tests.pki.software_authority import SERIAL, Authority, authority_for

AUTHORITY = authority_for(KeyAlgorithm.EC_P256_SHA256)
ISSUER = AUTHORITY.issuer


def request_of_openssl(folder: Path, *options: str, issuer: Authority = AUTHORITY) -> bytes:
    """An OCSPRequest made by openssl."""
    issuing, made = folder / "issuing.pem", folder / "request.der"
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=issuer.issuing))
    openssl(
        "ocsp", *(option.replace("ISSUING", str(issuing)) for option in options), "-reqout", made
    )
    return made.read_bytes()


def request_with(extension: x509.ExtensionType, *, critical: bool = False) -> bytes:
    """A request of another library with an extension."""
    issuer = x509.load_der_x509_certificate(AUTHORITY.issuing)
    builder = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, hashes.SHA1())  # noqa: S303 - what clients use
    return builder.add_extension(extension, critical).build().public_bytes(Encoding.DER)


@pytest.mark.parametrize("hash_", list(CertIdHash))
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048_PKCS1_SHA256, KeyAlgorithm.ED25519])
def test_requests_of_openssl_are_understood(
    folder: Path, hash_: CertIdHash, algorithm: KeyAlgorithm
) -> None:
    """Serial number, hash, issuer and nonce of openssl's request, for names in Korean."""
    authority = authority_for(algorithm)
    arguments = (f"-{hash_}", "-issuer", "ISSUING", "-serial", str(SERIAL))
    der = request_of_openssl(folder, *arguments, "-no_nonce", issuer=authority)
    assert parse_ocsp_request(der, authority.issuer) == OcspQuery(SERIAL, hash_)
    assert not parse_ocsp_request(der, ISSUER).names_issuer
    query = parse_ocsp_request(request_of_openssl(folder, *arguments, issuer=authority), ISSUER)
    assert query.nonce is not None
    assert len(query.nonce) == 16


def test_a_request_is_for_one_certificate(folder: Path) -> None:
    """Several in one request are refused with what to do instead; so is a foreign hash."""
    one = ("-issuer", "ISSUING", "-serial", "1")
    with pytest.raises(MalformedOcspRequest, match="one request for each") as caught:
        parse_ocsp_request(request_of_openssl(folder, *one, "-serial", "2"), ISSUER)
    assert isinstance(caught.value, InvalidRequest)
    assert caught.value.reason == "OCSP_REQUEST_MALFORMED"
    with pytest.raises(MalformedOcspRequest, match="SHA-1 or SHA-256"):
        parse_ocsp_request(request_of_openssl(folder, "-sha512", *one), ISSUER)
    with pytest.raises(MalformedOcspRequest, match="SHA-1 or SHA-256"):
        parse_ocsp_request(request_of_openssl(folder, "-md5", *one), ISSUER)


def test_a_nonce_has_up_to_32_octets() -> None:
    """RFC 8954, 2.1: 1 to 32 octets are taken, none and more are malformed."""
    for size in (1, 16, 32):
        query = parse_ocsp_request(request_with(x509.OCSPNonce(b"n" * size)), ISSUER)
        assert query.nonce == b"n" * size
    for size in (0, 33, 128):
        with pytest.raises(MalformedOcspRequest, match="1 to 32"):
            parse_ocsp_request(request_with(x509.OCSPNonce(b"n" * size)), ISSUER)


def test_unknown_extensions_matter_only_when_critical() -> None:
    """RFC 6960, 4.4: unknown ones are ignored unless they are critical."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    query = parse_ocsp_request(request_with(unknown), ISSUER)
    assert query == OcspQuery(SERIAL + 1, names_issuer=False)
    with pytest.raises(MalformedOcspRequest, match=r"1\.2\.3\.4"):
        parse_ocsp_request(request_with(unknown, critical=True), ISSUER)


def test_a_signed_request_is_read_like_any_other(folder: Path) -> None:
    """The signature and name of who asks change nothing."""
    key, own = folder / "key.pem", folder / "own.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-subj", "/CN=asker", "-out", own),
    )
    signer = ("-signer", str(own), "-signkey", str(key))
    der = request_of_openssl(folder, "-issuer", "ISSUING", "-serial", "7", "-no_nonce", *signer)
    assert b"asker" in der
    assert parse_ocsp_request(der, ISSUER) == OcspQuery(7)


def test_a_large_request_is_not_read() -> None:
    """The limit holds before anything is parsed."""
    with pytest.raises(MalformedOcspRequest, match="4096 bytes"):
        parse_ocsp_request(bytes(MAX_OCSP_REQUEST_BYTES + 1), ISSUER)


GOOD = request_with(x509.OCSPNonce(b"nonce"))


@settings(max_examples=400, deadline=None)
@given(data=st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda end: GOOD + end)))
@example(data=b"")
@example(data=GOOD[:-1])
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    """No bytes raise another error, or give a query that is not in them."""
    try:
        assert parse_ocsp_request(data, ISSUER).nonce is None or data == GOOD
    except MalformedOcspRequest as error:
        assert error.reason == "OCSP_REQUEST_MALFORMED"  # noqa: PT017 - a query is as good


@settings(max_examples=600, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), replacement=st.binary(max_size=3))
def test_damaged_requests_are_read_or_malformed(position: int, replacement: bytes) -> None:
    """One place of a good request replaced: a query or the one error."""
    damaged = GOOD[:position] + replacement + GOOD[position + 1 :]
    try:
        query = parse_ocsp_request(damaged, ISSUER)
    except MalformedOcspRequest:
        return
    assert query.nonce is None or 1 <= len(query.nonce) <= 32


@given(der=st.binary(max_size=300), safe=st.sampled_from(["", "/", "/+=", "+="]))
@example(der=b"\xfb\xff\xbf", safe="/+=")
def test_a_get_path_gives_the_request_back(der: bytes, safe: str) -> None:
    """However much of the base64 a client percent-encodes, and with the slash before it doubled;
    a request begins with a SEQUENCE."""
    path = quote(base64.b64encode(b"\x30" + der), safe=safe)
    for written in (path, "/" + path, "//" + path):
        assert parse_ocsp_get(written) == b"\x30" + der


@given(path=st.text(max_size=200))
@example(path="%ff")
@example(path="%")
@example(path="MEE")
@example(path="ME E=")
@example(path="홍길동")
@example(path="A" * (MAX_OCSP_REQUEST_BYTES * 4 + 4))
def test_any_path_is_bytes_or_malformed(path: str) -> None:
    """No path raises another error."""
    try:
        assert isinstance(parse_ocsp_get(path), bytes)
    except MalformedOcspRequest as error:
        assert error.reason == "OCSP_REQUEST_MALFORMED"  # noqa: PT017 - bytes are as good


@pytest.mark.parametrize("path", ["%ff", "MEE", "ME E=", "M_E=", "A" * 16_388])
def test_bad_paths_are_malformed(path: str) -> None:
    """Not base64, not UTF-8, wrong padding, the URL alphabet, or too long."""
    with pytest.raises(MalformedOcspRequest, match="path"):
        parse_ocsp_get(path)
