"""Requests to issue, reissue and revoke that are wrong in one way each."""

import uuid
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerd.v1 import certificate_authority_pb2 as pb
from signerd.v1.types_pb2 import (
    KEY_ALGORITHM_EC_P256_SHA256,
    REVOCATION_REASON_KEY_COMPROMISE,
    REVOCATION_REASON_SUPERSEDED,
)
from signerd_client import Certificate, Client
from tests.e2e.raw_call import RawCaller, Refusal
from tests.e2e.stored import assert_nothing_stored, stored

SERVICE = "/signerd.v1.CertificateAuthority"
_UNKNOWN = "certificates/" + "ab" * 20


@pytest.fixture(scope="module")
def issued(daemon: PrivateDaemon) -> Certificate:
    with Client(daemon.target("ra-officer")) as officer:
        return officer.issue_certificate(
            f"bad-{uuid.uuid4().hex[:8]}", "personal", "Kim", key_algorithm="EC_P256_SHA256"
        )


def _request(**changed: Any) -> pb.IssueCertificateRequest:
    """A good request but for what is changed."""
    fields: dict[str, Any] = {
        "subscriber": "subscribers/bad-input",
        "profile": "tls-client",
        "subject": pb.Subject(common_name="Kim"),
        "key_algorithm": KEY_ALGORITHM_EC_P256_SHA256,
        "request_id": str(uuid.uuid4()),
    } | changed
    if "csr" in changed:
        del fields["key_algorithm"]
    return pb.IssueCertificateRequest(**fields)


def _subject(**fields: Any) -> pb.IssueCertificateRequest:
    return _request(subject=pb.Subject(**({"common_name": "Kim"} | fields)))


def _npki(**fields: Any) -> pb.IssueCertificateRequest:
    subject = pb.Subject(**({"common_name": "홍길동"} | fields))
    return _request(profile="npki-personal", subject=subject)


def _without_key() -> pb.IssueCertificateRequest:
    request = _request()
    request.ClearField("key_algorithm")
    return request


def _csr() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def _badly_signed_csr() -> bytes:
    """The last byte is the end of the number s of the signature."""
    csr = _csr()
    return csr[:-1] + bytes([csr[-1] ^ 1])


_NAME = "subject.common_name"
_CASES: dict[str, tuple[pb.IssueCertificateRequest, str, str]] = {
    "no algorithm chosen": (_request(key_algorithm=0), "ALGORITHM_UNKNOWN", "key_algorithm"),
    "algorithm of the future": (_request(key_algorithm=99), "ALGORITHM_UNKNOWN", "key_algorithm"),
    "algorithm the profile refuses": (
        _request(key_algorithm=4),
        "ALGORITHM_NOT_ALLOWED",
        "key_algorithm",
    ),
    "no key source": (_without_key(), "KEY_MISSING", "key"),
    "unknown profile": (_request(profile="persona"), "PROFILE_UNKNOWN", "profile"),
    "no profile": (_request(profile=""), "PROFILE_UNKNOWN", "profile"),
    "profile of the daemon's own keys": (
        _request(profile="ocsp-signer"),
        "PROFILE_UNKNOWN",
        "profile",
    ),
    "long profile": (_request(profile="홍" * 9_000), "PROFILE_UNKNOWN", "profile"),
    "path as profile": (_request(profile="../../etc/passwd"), "PROFILE_UNKNOWN", "profile"),
    "empty name": (_subject(common_name=""), "SUBJECT_INVALID", _NAME),
    "newline in name": (_subject(common_name="Kim\nRoot"), "SUBJECT_INVALID", _NAME),
    "zero byte in name": (_subject(common_name="Kim\0"), "SUBJECT_INVALID", _NAME),
    "invisible reversal in name": (_subject(common_name="a\u202eb"), "SUBJECT_INVALID", _NAME),
    "65 letters": (_subject(common_name="K" * 65), "SUBJECT_INVALID", _NAME),
    "65 Korean letters": (_subject(common_name="홍" * 65), "SUBJECT_INVALID", _NAME),
    "100 kB name": (_subject(common_name="홍" * 33_000), "SUBJECT_INVALID", _NAME),
    "five units": (
        _subject(organizational_units=["a"] * 5),
        "SUBJECT_INVALID",
        "subject.organizational_units",
    ),
    "empty unit": (
        _subject(organizational_units=["a", ""]),
        "SUBJECT_INVALID",
        "subject.organizational_units[1]",
    ),
    "Korean e-mail": (_subject(email="홍@bank.example"), "SUBJECT_INVALID", "subject.email"),
    "DNS name the profile refuses": (
        _request(profile="personal", subject=pb.Subject(common_name="K", dns_names=["a.example"])),
        "SUBJECT_INVALID",
        "subject.dns_names",
    ),
    "seventeen DNS names": (
        _subject(dns_names=[f"h{n}.example" for n in range(17)]),
        "SUBJECT_INVALID",
        "subject.dns_names",
    ),
    "DNS name with a space": (
        _subject(dns_names=["a b.example"]),
        "SUBJECT_INVALID",
        "subject.dns_names[0]",
    ),
    "branch of two digits": (_subject(branch="41"), "SUBJECT_INVALID", "subject.branch"),
    "no branch for a composed name": (_npki(), "SUBJECT_INVALID", "subject.branch"),
    "no room for the composed name": (
        _npki(common_name="홍" * 39, branch="041"),
        "SUBJECT_INVALID",
        _NAME,
    ),
    "no identity number for a virtual ID": (
        _npki(branch="041"),
        "IDENTITY_REQUIRED",
        "subject.identity_number",
    ),
    "no subscriber": (_request(subscriber=""), "RESOURCE_NAME", "subscriber"),
    "subscriber of another kind": (_request(subscriber="keys/a"), "RESOURCE_NAME", "subscriber"),
    "subscriber in capitals": (
        _request(subscriber="subscribers/Kim"),
        "INVALID_REQUEST",
        "subscriber",
    ),
    "subscriber of 64": (
        _request(subscriber="subscribers/" + "a" * 64),
        "INVALID_REQUEST",
        "subscriber",
    ),
    "path as key group": (_request(key_group="../x"), "INVALID_REQUEST", "key_group"),
    "no request id": (_request(request_id=""), "INVALID_REQUEST", "request_id"),
    "order number as request id": (
        _request(request_id="order-17"),
        "INVALID_REQUEST",
        "request_id",
    ),
    "full-width digits as request id": (
        _request(request_id="\uff11" * 32),
        "INVALID_REQUEST",
        "request_id",
    ),
    "empty CSR": (_request(csr=b""), "CSR_MALFORMED", "csr"),
    "text as CSR": (_request(csr=b"-----BEGIN nothing"), "CSR_MALFORMED", "csr"),
    "cut CSR": (_request(csr=_csr()[:-20]), "CSR_MALFORMED", "csr"),
    "CSR signed by another key": (
        _request(csr=_badly_signed_csr()),
        "CSR_SIGNATURE_INVALID",
        "csr",
    ),
    "large CSR": (_request(csr=b"0" * 20_000), "CSR_TOO_LARGE", "csr"),
    "CSR where the profile wants a key on the token": (
        _request(profile="personal", csr=_csr()),
        "CSR_NOT_ALLOWED",
        "csr",
    ),
    "more than any such call has": (_request(csr=b"0" * 140_000), "REQUEST_TOO_LARGE", ""),
}


@pytest.mark.parametrize("case", _CASES)
def test_a_wrong_issue_request_is_refused(
    case: str, raw_officer: RawCaller, daemon: PrivateDaemon
) -> None:
    """INVALID_ARGUMENT with reason and field, also for a trial; nothing is stored."""
    request, reason, field = _CASES[case]
    before = stored(daemon)
    for validate_only in (False, True):
        request.validate_only = validate_only
        refusal = raw_officer.refused(f"{SERVICE}/IssueCertificate", request)
        _check(refusal, StatusCode.INVALID_ARGUMENT, reason, field)
    assert_nothing_stored(daemon, before)


def test_the_last_key_source_sent_counts(raw_officer: RawCaller) -> None:
    """Both sources in the bytes: protobuf keeps the last, and that one is checked."""
    both = _without_key().SerializeToString() + b"\x20\x09" + b"\x2a\x03abc"
    refusal = raw_officer.refused(f"{SERVICE}/IssueCertificate", both)
    _check(refusal, StatusCode.INVALID_ARGUMENT, "CSR_MALFORMED", "csr")


_CHANGES: dict[str, tuple[str, Any, StatusCode, str, str]] = {
    "reissue of what is not there": (
        "ReissueCertificate",
        pb.ReissueCertificateRequest(certificate=_UNKNOWN, request_id=str(uuid.uuid4())),
        StatusCode.NOT_FOUND,
        "NOT_FOUND",
        "",
    ),
    "revocation of what is not there": (
        "RevokeCertificate",
        pb.RevokeCertificateRequest(certificate=_UNKNOWN, request_id=str(uuid.uuid4())),
        StatusCode.NOT_FOUND,
        "NOT_FOUND",
        "",
    ),
    "look at what is not there": (
        "GetCertificate",
        pb.GetCertificateRequest(name=_UNKNOWN),
        StatusCode.NOT_FOUND,
        "NOT_FOUND",
        "",
    ),
    "reissue by serial alone": (
        "ReissueCertificate",
        pb.ReissueCertificateRequest(certificate="ab", request_id=str(uuid.uuid4())),
        StatusCode.INVALID_ARGUMENT,
        "RESOURCE_NAME",
        "certificate",
    ),
    "serial in capitals": (
        "GetCertificate",
        pb.GetCertificateRequest(name="certificates/AB"),
        StatusCode.INVALID_ARGUMENT,
        "RESOURCE_NAME",
        "name",
    ),
    "SQL as serial": (
        "GetCertificate",
        pb.GetCertificateRequest(name="certificates/ab' OR '1'='1"),
        StatusCode.INVALID_ARGUMENT,
        "RESOURCE_NAME",
        "name",
    ),
    "reissue without request id": (
        "ReissueCertificate",
        pb.ReissueCertificateRequest(certificate=_UNKNOWN),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        "request_id",
    ),
    "revocation for a reason that RFC 5280 does not have": (
        "RevokeCertificate",
        pb.RevokeCertificateRequest(
            certificate=_UNKNOWN,
            reason=7,  # type: ignore[arg-type] # the number that is wrong
            request_id=str(uuid.uuid4()),
        ),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        "reason",
    ),
}


@pytest.mark.parametrize("case", _CHANGES)
def test_a_wrong_change_is_refused(
    case: str, raw_officer: RawCaller, daemon: PrivateDaemon
) -> None:
    """Unknown certificates are not found, wrong fields are named; nothing is stored."""
    method, request, code, reason, field = _CHANGES[case]
    before = stored(daemon)
    _check(raw_officer.refused(f"{SERVICE}/{method}", request), code, reason, field)
    assert_nothing_stored(daemon, before)


def test_a_request_id_is_not_for_other_content(
    raw_officer: RawCaller, issued: Certificate, daemon: PrivateDaemon
) -> None:
    """The id of an issuance, a reissue or a revocation cannot be used for another one."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    first, second = _request(request_id=ids[0]), _request(request_id=ids[0], key_group="vip")
    answer = raw_officer.send(f"{SERVICE}/IssueCertificate", first, pb.IssueCertificateResponse)
    made = answer.certificate.name
    reissue = pb.ReissueCertificateRequest(certificate=made, request_id=ids[1])
    new = raw_officer.send(f"{SERVICE}/ReissueCertificate", reissue, pb.ReissueCertificateResponse)
    reissue.certificate = issued.name
    revoke = pb.RevokeCertificateRequest(
        certificate=new.certificate.name, reason=REVOCATION_REASON_SUPERSEDED, request_id=ids[2]
    )
    raw_officer.send(f"{SERVICE}/RevokeCertificate", revoke)
    revoke.reason = REVOCATION_REASON_KEY_COMPROMISE
    before = stored(daemon)
    for method, request in (
        ("IssueCertificate", second),
        ("ReissueCertificate", reissue),
        ("RevokeCertificate", revoke),
    ):
        refusal = raw_officer.refused(f"{SERVICE}/{method}", request)
        _check(refusal, StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", "request_id")
    assert_nothing_stored(daemon, before)


def _check(refusal: Refusal, code: StatusCode, reason: str, field: str) -> None:
    assert (refusal.code, refusal.reason) == (code, reason), refusal.seen
    assert refusal.fields == ((field,) if field else ()), refusal.seen
    assert refusal.request_id == "quoted-by-the-caller"
    assert len(refusal.message) > 20
    assert refusal.message.isprintable()
