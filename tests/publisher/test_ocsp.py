"""OCSP of a running daemon over HTTP, judged by openssl and pkilint."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.x509 import ocsp
from pkilint.bin import lint_ocsp_response  # type: ignore[import-untyped] # pkilint has no types

from examples.private_daemon import PrivateDaemon
from signerd_client import Client, RevocationReason
from tests.e2e.waiting import wait_until
from tests.faults.scene import query
from tests.pki.judge import pkilint_codes
from tests.publisher.relying_party import (
    OCSP_REQUEST,
    OCSP_RESPONSE,
    Answer,
    RelyingParty,
    run,
)
from tests.publisher.test_crl import issue

MALFORMED = bytes.fromhex("30030a0101")
UNAUTHORIZED = bytes.fromhex("30030a0106")
NONCES = (("-no_nonce",), ("-nonce",))


def read(answer: Answer) -> ocsp.OCSPResponse:
    """A signed response."""
    assert (answer.status, answer.headers["content-type"]) == (200, OCSP_RESPONSE)
    parsed = ocsp.load_der_ocsp_response(answer.body)
    assert parsed.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    return parsed


@pytest.mark.parametrize("nonce", NONCES)
def test_openssl_is_told_of_every_change_at_once(
    nonce: tuple[str, ...], officer: Client, party: RelyingParty
) -> None:
    """Good, on hold, good again, revoked: each with the first question after the change, verified
    from the root alone."""
    certificate = issue(officer)

    def said() -> str:
        text = party.openssl_ocsp(certificate.der, *nonce)
        assert "Response verify OK" in text
        assert "WARNING" not in text
        return text

    assert ": good\n" in said()
    officer.suspend_certificate(certificate.name)
    assert "Reason: certificateHold\n" in said()
    officer.resume_certificate(certificate.name)
    assert ": good\n" in said()
    officer.revoke_certificate(certificate.name, RevocationReason.KEY_COMPROMISE)
    text = said()
    assert ": revoked\n" in text
    assert "Reason: keyCompromise\n" in text


@pytest.mark.parametrize("hash_", ["-sha1", "-sha256"])
@pytest.mark.parametrize("nonce", NONCES)
def test_get_and_post_say_the_same(
    nonce: tuple[str, ...], hash_: str, officer: Client, party: RelyingParty
) -> None:
    """Whichever way a request comes, with either hash; percent-encoded or not."""
    request = party.ocsp_request(issue(officer).der, hash_, *nonce)
    answers = [party.ask_ocsp(request), party.get_ocsp(request)]
    for answer in answers:
        assert read(answer).certificate_status is ocsp.OCSPCertStatus.GOOD
        assert (answer.headers["cache-control"] == "no-store") is (nonce == ("-nonce",))
    if nonce == ("-nonce",):
        asked = ocsp.load_der_ocsp_request(request)
        assert all(
            list(read(answer).extensions)[0].value == list(asked.extensions)[0].value  # noqa: RUF015 - an Extensions has no other way
            for answer in answers
        )


def test_a_response_is_signed_ahead_and_serves_many(
    daemon: PrivateDaemon, officer: Client, party: RelyingParty
) -> None:
    """Once it is there the same bytes are given to everybody, without a signature each."""
    certificate = issue(officer)
    request = party.ocsp_request(certificate.der, "-no_nonce")

    def stored() -> bytes | None:
        sql = "SELECT der FROM ocsp_responses WHERE certificate_id = ?"
        rows = query(daemon, sql, certificate.name.rpartition("/")[2])
        return rows[0][0] if rows else None

    wait_until(stored, "the response is signed ahead")
    for answer in (party.get_ocsp(request), party.ask_ocsp(request)):
        assert answer.body == stored()
        assert read(answer).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_a_certificate_never_issued_is_unknown(party: RelyingParty) -> None:
    """Not revoked: a certificate of this name may yet be issued. And nobody caches that."""
    answer = party.get_ocsp(party.ocsp_request(secrets.randbits(150), "-no_nonce"))
    assert read(answer).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    assert answer.headers["cache-control"] == "no-store"


def test_a_certificate_of_another_ca_is_not_ours_to_judge(
    party: RelyingParty, tmp_path: Path
) -> None:
    """RFC 5019, 2.2.3: unauthorized, unsigned and not to be cached."""
    _, root = party.chain()
    file = tmp_path / "other.der"
    run("openssl", "ocsp", "-issuer", root, "-serial", "0x10", "-reqout", file)
    answer = party.ask_ocsp(file.read_bytes())
    assert (answer.status, answer.body) == (200, UNAUTHORIZED)
    assert answer.headers["cache-control"] == "no-store"


def _malformed() -> Iterator[bytes]:
    yield b""
    yield b"hello"
    yield bytes(4096)
    yield b"\x30\x82\xff\xff"
    yield b"\x30" * 1000


@pytest.mark.parametrize("body", list(_malformed()), ids=len)
def test_what_is_no_request_is_malformed(body: bytes, party: RelyingParty) -> None:
    """RFC 6960, 2.3: an answer over HTTP 200, unsigned."""
    answer = party.ask_ocsp(body)
    assert (answer.status, answer.body) == (200, MALFORMED)
    assert answer.headers["content-type"] == OCSP_RESPONSE
    assert answer.headers["cache-control"] == "no-store"
    if body:
        assert party.get_ocsp(body).body == MALFORMED


@pytest.mark.parametrize("path", ["/ocsp/!!!", "/ocsp/%ff%fe", "/ocsp/MEUwQw", "/ocsp/a?b=c"])
def test_a_path_that_is_no_request_is_malformed(path: str, party: RelyingParty) -> None:
    """Whatever stands there."""
    answer = party.ask(path)
    assert (answer.status, answer.body) == (200, MALFORMED)


def test_a_body_that_is_too_long_is_refused_unread(party: RelyingParty) -> None:
    """413, for a length that is told and for one that is found out."""
    headers = {"Content-Type": OCSP_REQUEST}
    assert party.ask("/ocsp", "POST", bytes(5000), headers).status == 413
    chunked = {**headers, "Transfer-Encoding": "chunked"}
    body = b"1000\r\n" + bytes(4096) + b"\r\n1000\r\n" + bytes(4096) + b"\r\n0\r\n\r\n"
    assert party.ask("/ocsp", "POST", body, chunked).status == 413


def test_another_content_type_is_refused(party: RelyingParty) -> None:
    """415 names the right one."""
    answer = party.ask("/ocsp", "POST", b"x", {"Content-Type": "text/plain"})
    assert (answer.status, answer.headers["accept"]) == (415, OCSP_REQUEST)


def test_pkilint_finds_nothing(officer: Client, party: RelyingParty, tmp_path: Path) -> None:
    """Good, on hold, revoked, with and without nonce."""
    certificate = issue(officer)
    file = tmp_path / "response.der"

    def judge() -> None:
        for nonce in NONCES:
            file.write_bytes(party.ask_ocsp(party.ocsp_request(certificate.der, *nonce)).body)
            assert pkilint_codes(lint_ocsp_response.main, file) == set()

    judge()
    officer.suspend_certificate(certificate.name)
    judge()
    officer.revoke_certificate(certificate.name, RevocationReason.UNSPECIFIED)
    judge()
