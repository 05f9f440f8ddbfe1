"""OCSP responses as other programs see them."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import SubjectRecord
from signerd.pki.ocsp import (
    CertIdHash,
    OcspQuery,
    OcspRefusal,
    OcspResponder,
    OcspRevoked,
    OcspStatus,
    PreparedOcspResponse,
    assemble_ocsp_response,
    parse_ocsp_request,
    prepare_ocsp_response,
)
from tests.pki.judge import openssl
from tests.pki.software_authority import (
    NOW,
    SERIAL,
    Authority,
    authority_for,
    prepare_for,
    shipped,
)
from tests.pki.software_status import DAY, ocsp_response, responder_for
from tests.pki.software_token import sign

EC = KeyAlgorithm.EC_P256_SHA256
LEAF = SERIAL + 2
ASKED = ("-serial", str(LEAF))
REVOKED = OcspRevoked(NOW - DAY, RevocationReason.KEY_COMPROMISE)


def judge_response(
    folder: Path, authority: Authority, response: bytes, *asked: str | Path
) -> tuple[str, str]:
    """What `openssl ocsp` says of a response: report on what was asked, and messages.

    Trust is in the root alone, so that the signer has to be a proper delegate."""
    root, issuing, file = (folder / name for name in ("root.pem", "issuing.pem", "response.der"))
    root.write_text(openssl("x509", "-inform", "DER", stdin=authority.root))
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=authority.issuing))
    file.write_bytes(response)
    done = subprocess.run(
        [
            *("openssl", "ocsp", "-no_nonce", "-issuer", issuing, *asked),
            *("-respin", file, "-CAfile", root, "-verify_other", issuing),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.stderr


def prepare(
    query: OcspQuery | None = None,
    status: OcspStatus | OcspRevoked = OcspStatus.GOOD,
    algorithm: KeyAlgorithm = EC,
) -> PreparedOcspResponse:
    """An answer about LEAF that waits for its signature."""
    return prepare_ocsp_response(
        responder_for(algorithm),
        authority_for(algorithm).issuer,
        query or OcspQuery(LEAF),
        status,
        this_update_utc=NOW,
        next_update_utc=NOW + DAY,
    )


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_openssl_accepts_answers_of_every_algorithm(folder: Path, algorithm: KeyAlgorithm) -> None:
    """Good, revoked and unknown are verified and understood, for both hashes of the CertID."""
    authority = authority_for(algorithm)
    for hash_ in CertIdHash:
        for status, said in (
            (OcspStatus.GOOD, "good"),
            (REVOKED, "revoked"),
            (OcspStatus.UNKNOWN, "unknown"),
        ):
            response = ocsp_response(authority, OcspQuery(LEAF, hash_), status)
            report, messages = judge_response(folder, authority, response, f"-{hash_}", *ASKED)
            assert messages == "Response verify OK\n"
            assert report.startswith(f"{LEAF}: {said}\n")
            assert ("Reason: keyCompromise" in report) is (said == "revoked")


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_reasons_are_told(folder: Path, reason: RevocationReason) -> None:
    """Each reason and the time of revocation arrive; unspecified is left out."""
    since = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
    revoked = OcspRevoked(since.astimezone(timezone(timedelta(hours=9))), reason)
    response = ocsp_response(authority_for(EC), OcspQuery(LEAF), revoked)
    report, _ = judge_response(folder, authority_for(EC), response, *ASKED)
    parts = reason.name.lower().split("_")
    name = parts[0] + "".join(part.capitalize() for part in parts[1:])
    if reason is RevocationReason.PRIVILEGE_WITHDRAWN:
        name = "(UNKNOWN)"  # openssl 3.0 has no word for it in OCSP
    assert re.findall(r"Reason: (.*)", report) == ([name] if reason else [])
    read = ocsp.load_der_ocsp_response(response).revocation_reason
    assert read == (x509.ReasonFlags[reason.name.lower()] if reason else None)
    assert "Revocation Time: Jan  2 03:04:05 2026 GMT" in report


def test_the_nonce_of_openssl_is_echoed(folder: Path) -> None:
    """openssl takes the answer to its own request, and refuses one to another."""
    authority = authority_for(EC)
    issuing, made = folder / "issuing.pem", folder / "request.der"
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=authority.issuing))
    openssl("ocsp", "-issuer", issuing, "-serial", LEAF, "-nonce", "-reqout", made)
    query = parse_ocsp_request(made.read_bytes(), authority.issuer)
    asked = ("-reqin", made)
    _, messages = judge_response(
        folder, authority, ocsp_response(authority, query, OcspStatus.GOOD), *asked
    )
    assert messages == "Response verify OK\n"
    other = ocsp_response(authority, replace(query, nonce=b"other"), OcspStatus.GOOD)
    assert "Nonce Verify error" in judge_response(folder, authority, other, *asked)[1]
    without = ocsp_response(authority, replace(query, nonce=None), OcspStatus.GOOD)
    assert "no nonce in response" in judge_response(folder, authority, without, *asked)[1]


def test_openssl_refuses_another_signer(folder: Path) -> None:
    """The judge is no rubber stamp: an answer of another CA's signer is not accepted."""
    other = authority_for(KeyAlgorithm.EC_P384_SHA384)
    response = ocsp_response(other, OcspQuery(LEAF), OcspStatus.GOOD)
    _, messages = judge_response(folder, authority_for(EC), response, *ASKED)
    assert "Response Verify Failure" in messages


def test_a_response_holds_what_rfc_6960_says() -> None:
    """Version 1, the signer by key hash, the given times, one CertID as other libraries make it,
    the signer's certificate."""
    authority = authority_for(EC)
    query = OcspQuery(LEAF, CertIdHash.SHA256, nonce=b"n" * 32)
    responder = responder_for(EC)
    prepared = prepare_ocsp_response(
        responder,
        authority.issuer,
        query,
        OcspStatus.GOOD,
        this_update_utc=NOW - DAY,
        next_update_utc=(NOW + DAY).astimezone(timezone(timedelta(hours=9))),
        produced_at_utc=NOW + timedelta(hours=1, microseconds=7),
    )
    response = prepared.assemble(sign(EC, prepared.message, "ocsp"))
    parsed = ocsp.load_der_ocsp_response(response)
    assert parsed.tbs_response_bytes == prepared.tbs
    assert parsed.responder_key_hash == responder.key_hash
    assert parsed.responder_name is None
    assert parsed.produced_at_utc == NOW + timedelta(hours=1)
    assert (parsed.this_update_utc, parsed.next_update_utc) == (NOW - DAY, NOW + DAY)
    assert parsed.certificates == [x509.load_der_x509_certificate(responder.certificate)]
    assert [one.value for one in parsed.extensions] == [x509.OCSPNonce(b"n" * 32)]
    signer = x509.load_der_x509_certificate(responder.certificate)
    issuing = x509.load_der_x509_certificate(authority.issuing)
    request = ocsp.OCSPRequestBuilder().add_certificate(signer, issuing, hashes.SHA256()).build()
    assert parsed.issuer_name_hash == request.issuer_name_hash
    assert parsed.issuer_key_hash == request.issuer_key_hash
    assert parsed.serial_number == LEAF
    text = openssl("ocsp", "-respin", "/dev/stdin", "-noverify", "-resp_text", stdin=response)
    assert "Version: 1 (0x0)" in text
    assert "OCSP No Check" in text


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_a_wrong_signature_makes_no_response(algorithm: KeyAlgorithm) -> None:
    """Signatures over other bytes, by another key, or of no meaning are refused."""
    prepared = prepare(algorithm=algorithm)
    good = sign(algorithm, prepared.message, "ocsp")
    other_bytes = sign(algorithm, replace(prepared, tbs=prepared.tbs + b"x").message, "ocsp")
    other_key = sign(algorithm, prepared.message, "issuing")
    for wrong in (other_bytes, other_key, b"x" * len(good), b""):
        with pytest.raises(Internal) as caught:
            assemble_ocsp_response(prepared, wrong)
        assert caught.value.reason == "SIGNATURE_WRONG"
    assert ocsp.load_der_ocsp_response(prepared.assemble(good)).signature == good


def test_a_signer_answers_for_its_own_ca_alone() -> None:
    """Another CA's certificates, and a signer that another CA certified, are stopped before a key
    is used."""
    with pytest.raises(Internal, match="another CA") as caught:
        prepare(OcspQuery(LEAF, names_issuer=False))
    assert caught.value.reason == "LINT_FAILED"
    with pytest.raises(Internal, match="not issued by") as caught:
        prepare_ocsp_response(
            responder_for(KeyAlgorithm.ED25519),
            authority_for(EC).issuer,
            OcspQuery(LEAF),
            OcspStatus.GOOD,
            this_update_utc=NOW,
            next_update_utc=NOW + DAY,
        )
    assert caught.value.reason == "RESPONDER_UNUSABLE"


@pytest.mark.parametrize(
    ("produced_at_utc", "next_update_utc"),
    [(None, NOW), (NOW - timedelta(seconds=1), NOW + DAY), (NOW + DAY, NOW + DAY)],
)
def test_times_have_to_be_in_order(
    produced_at_utc: datetime | None, next_update_utc: datetime
) -> None:
    """thisUpdate, producedAt, nextUpdate: an answer that contradicts itself is not signed."""
    with pytest.raises(Internal, match="in this order") as caught:
        prepare_ocsp_response(
            responder_for(EC),
            authority_for(EC).issuer,
            OcspQuery(LEAF),
            OcspStatus.GOOD,
            this_update_utc=NOW,
            next_update_utc=next_update_utc,
            produced_at_utc=produced_at_utc,
        )
    assert caught.value.reason == "LINT_FAILED"


def test_a_responder_must_be_usable() -> None:
    """Garbage, a CA, a TLS client, and another algorithm than the key's are no OCSP signers."""
    authority, good = authority_for(EC), responder_for(EC)
    assert good.not_after_utc > NOW + DAY
    subject = SubjectRecord("app 1")
    client = prepare_for(authority, shipped("tls-client"), subject, good.spki)
    for bad in (b"\x30\x00", authority.issuing, authority.certify(client)):
        with pytest.raises(Internal) as caught:
            OcspResponder(bad, EC)
        assert caught.value.reason == "RESPONDER_UNUSABLE"
    with pytest.raises(Internal) as caught:
        OcspResponder(good.certificate, KeyAlgorithm.ED25519)
    assert caught.value.reason == "KEY_ALGORITHM_MISMATCH"


@pytest.mark.parametrize("refusal", list(OcspRefusal))
def test_openssl_understands_refusals(refusal: OcspRefusal) -> None:
    """Each unsigned response is read as the error it stands for."""
    said = subprocess.run(
        ["openssl", "ocsp", "-respin", "/dev/stdin", "-noverify"],
        input=refusal.der,
        capture_output=True,
        check=False,
    ).stdout.decode()
    assert said == f"Responder Error: {refusal.name.replace('_', '').lower()} ({refusal})\n"
