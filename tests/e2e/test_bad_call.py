"""Calls that are wrong before any use case sees them: bytes, names, sizes, deadlines, pages."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerd.v1 import admin_pb2, signing_pb2
from signerd.v1 import certificate_authority_pb2 as ca_pb
from signerd_client import Client, KeyAlgorithm
from signerd_client.error import DeadlineExceeded
from tests.e2e.raw_call import RawCaller, raw_caller
from tests.e2e.stored import assert_nothing_stored, stored

_CA = "/signerd.v1.CertificateAuthority"
_ADMIN = "/signerd.v1.Admin"
_SIGN = "/signerd.v1.Signing/Sign"


@pytest.fixture(scope="module")
def raw_auditor(daemon: PrivateDaemon) -> Iterator[RawCaller]:
    with raw_caller(daemon, "auditor") as caller:
        yield caller


@pytest.mark.parametrize(
    "junk", [b"\xff\xff\xff", b"\x0a\x7f", b"\x0a\x02\xff\xfe", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_bytes_that_are_no_message_are_refused(
    junk: bytes, raw_officer: RawCaller, daemon: PrivateDaemon
) -> None:
    """A cut field, text that is no UTF-8, another protocol: one reason and no parser's text."""
    before = stored(daemon)
    for rpc in ("IssueCertificate", "ReissueCertificate", "GetCertificate", "ListCertificates"):
        refusal = raw_officer.refused(f"{_CA}/{rpc}", junk)
        assert (refusal.code, refusal.reason) == (
            StatusCode.INVALID_ARGUMENT,
            "MESSAGE_MALFORMED",
        ), refusal.seen
        assert refusal.request_id == "quoted-by-the-caller"
    assert_nothing_stored(daemon, before)


def test_who_may_not_call_is_not_told_what_is_wrong(raw_auditor: RawCaller) -> None:
    """Permission comes before the message: nothing of it is parsed for others."""
    refusal = raw_auditor.refused(f"{_CA}/IssueCertificate", b"\xff\xff\xff")
    assert (refusal.code, refusal.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


def test_bytes_that_are_no_message_are_refused_in_a_stream(raw_auditor: RawCaller) -> None:
    """Server streams and the reflection stream refuse as unary calls do."""
    watch = raw_auditor.channel.unary_stream(f"{_ADMIN}/WatchAuditEvents", None, None)
    refusal = raw_auditor.refusal(lambda: list(watch(b"\xff\xff\xff", timeout=30)))
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "MESSAGE_MALFORMED")
    rpc = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    reflect = raw_auditor.channel.stream_stream(rpc, None, None)
    refusal = raw_auditor.refusal(lambda: list(reflect(iter([b"\xff\xff\xff"]), timeout=30)))
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "MESSAGE_MALFORMED")


@pytest.mark.parametrize(
    "rpc",
    [
        f"{_CA}/DeleteCertificate",
        f"{_CA}/issuecertificate",
        "/signerd.v2.Signing/Sign",
        "/signerd.v1.Signing",
        "/" + "x" * 5_000,
    ],
)
def test_an_unknown_call_is_named(rpc: str, raw_officer: RawCaller) -> None:
    """UNIMPLEMENTED with reason and request id, as a unary call and as a stream."""
    refusal = raw_officer.refused(rpc, b"")
    assert (refusal.code, refusal.reason) == (StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")
    assert refusal.message.startswith(rpc[:100])
    stream = raw_officer.channel.stream_stream(rpc, None, None)
    refusal = raw_officer.refusal(lambda: list(stream(iter([]), timeout=30)))
    assert refusal.code is StatusCode.UNIMPLEMENTED


def test_a_message_over_the_limit_is_not_read(
    daemon: PrivateDaemon, signer: Client, officer: Client
) -> None:
    """server.max_message_bytes: what is just below is signed, what is above is refused by gRPC."""
    credential = officer.issue_certificate(
        f"size-{uuid.uuid4().hex[:8]}", "personal", "Kim", key_algorithm=KeyAlgorithm.ED25519
    ).credential
    most = 1_048_576
    assert signer.sign(credential, data=b"0" * (most - 200)).signature
    before = stored(daemon)
    with raw_caller(daemon, "signer") as caller:
        request = signing_pb2.SignRequest(credential=credential, data=b"0" * (most + 1))
        refusal = caller.refused(_SIGN, request)
        assert refusal.code is StatusCode.RESOURCE_EXHAUSTED
        assert str(most) in refusal.message
        small = signing_pb2.SignRequest(credential=credential, data=b"0")
        assert caller.send(_SIGN, small, signing_pb2.SignResponse).signature
    after = stored(daemon)
    assert len(after.events) == len(before.events) + 1


def test_every_call_has_a_limit_of_its_own(raw_officer: RawCaller) -> None:
    """A message too large for its call, though not for the server, is refused with the limit."""
    request = ca_pb.GetCertificateRequest(name="certificates/" + "a" * 5_000)
    refusal = raw_officer.refused(f"{_CA}/GetCertificate", request)
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")
    assert "4096" in refusal.message


def test_a_deadline_that_passes_leaves_nothing_half_done(
    daemon: PrivateDaemon, officer: Client
) -> None:
    """DEADLINE_EXCEEDED whenever it strikes; the same request id then gives the one certificate,
    and no second one nor a second key comes into being."""
    waits = (0.0002, 0.002, 0.01, 0.03, 0.08)
    subscriber = f"late-{uuid.uuid4().hex[:8]}"
    ids = [str(uuid.uuid4()) for _ in waits]
    exceeded = 0

    def issue(request_id: str, timeout_s: float) -> str:
        return officer.issue_certificate(
            subscriber,
            "personal",
            "Late",
            key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
            request_id=request_id,
            timeout_s=timeout_s,
        ).name

    for wait, request_id in zip(waits, ids, strict=True):
        try:
            issue(request_id, wait)
        except DeadlineExceeded:
            exceeded += 1
    assert exceeded >= 2
    names = [issue(request_id, 60) for request_id in ids]
    assert len(set(names)) == len(waits)
    listed = list(officer.list_certificates(subscriber=subscriber))
    assert sorted(one.name for one in listed) == sorted(names)
    with Client(daemon.target("auditor")) as auditor:
        recorded = [
            event.resource
            for event in auditor.list_audit_events(kind="certificate.issued", page_size=1000)
            if event.details["subscriber"] == subscriber
        ]
    assert sorted(recorded) == sorted(names)


def test_an_expired_deadline_does_nothing(raw_officer: RawCaller, daemon: PrivateDaemon) -> None:
    """A call that has no time at all is not begun."""
    before = stored(daemon)
    request = ca_pb.IssueCertificateRequest(
        subscriber="subscribers/no-time",
        profile="personal",
        subject=ca_pb.Subject(common_name="Kim"),
        key_algorithm=9,  # type: ignore[arg-type] # P-256
        request_id=str(uuid.uuid4()),
    )
    refusal = raw_officer.refused(f"{_CA}/IssueCertificate", request, timeout_s=-1)
    assert refusal.code is StatusCode.DEADLINE_EXCEEDED
    time.sleep(0.5)
    assert_nothing_stored(daemon, before)


_LISTINGS: dict[str, tuple[str, Any, str]] = {
    "text as token": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(page_token="2"),  # noqa: S106 - a page token
        "page_token",
    ),
    "Korean token": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(page_token="다음"),  # noqa: S106 - a page token
        "page_token",
    ),
    "long token": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(page_token="A" * 8_000),
        "page_token",
    ),
    "negative page": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(page_size=-1),
        "page_size",
    ),
    "page of 1001": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(page_size=1001),
        "page_size",
    ),
    "unknown state": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(state=77),  # type: ignore[arg-type] # the number is wrong
        "state",
    ),
    "bare subscriber": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(subscriber="kim"),
        "subscriber",
    ),
    "time out of range": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(expire_time_from=Timestamp(seconds=2**62)),
        "expire_time_from",
    ),
    "negative nanoseconds": (
        f"{_CA}/ListCertificates",
        ca_pb.ListCertificatesRequest(expire_time_before=Timestamp(nanos=-1)),
        "expire_time_before",
    ),
    "audit page of 1001": (
        f"{_ADMIN}/ListAuditEvents",
        admin_pb2.ListAuditEventsRequest(page_size=1001),
        "page_size",
    ),
    "audit token of nobody": (
        f"{_ADMIN}/ListAuditEvents",
        admin_pb2.ListAuditEventsRequest(page_token="AAAA"),  # noqa: S106 - a page token
        "page_token",
    ),
}


@pytest.mark.parametrize("case", _LISTINGS)
def test_a_wrong_listing_is_refused(case: str, raw_auditor: RawCaller) -> None:
    """Page, token and filters are named when they are wrong."""
    rpc, request, field = _LISTINGS[case]
    refusal = raw_auditor.refused(rpc, request)
    assert refusal.code is StatusCode.INVALID_ARGUMENT, refusal.seen
    assert refusal.fields == (field,)
    assert refusal.message.startswith(f"{field}:")


def test_a_page_token_is_good_for_its_own_listing(raw_auditor: RawCaller, officer: Client) -> None:
    """With another filter, in another listing, or changed in one place it is refused."""
    for _ in range(2):
        officer.issue_certificate(
            "page-token", "tls-client", "Kim", key_algorithm=KeyAlgorithm.EC_P256_SHA256
        )
    rpc, answer = f"{_CA}/ListCertificates", ca_pb.ListCertificatesResponse
    first = ca_pb.ListCertificatesRequest(page_size=1)
    token = raw_auditor.send(rpc, first, answer).next_page_token
    assert token
    changed = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for call, request in (
        (rpc, ca_pb.ListCertificatesRequest(subscriber="subscribers/page-token", page_token=token)),
        (rpc, ca_pb.ListCertificatesRequest(page_token=changed)),
        (f"{_ADMIN}/ListAuditEvents", admin_pb2.ListAuditEventsRequest(page_token=token)),
    ):
        refusal = raw_auditor.refused(call, request)
        assert (refusal.code, refusal.reason) == (
            StatusCode.INVALID_ARGUMENT,
            "INVALID_PAGE_TOKEN",
        )


def test_a_watch_begins_at_a_position(raw_auditor: RawCaller) -> None:
    """Below -1 is refused; one that is still to come waits."""
    watch = raw_auditor.channel.unary_stream(
        f"{_ADMIN}/WatchAuditEvents", None, admin_pb2.WatchAuditEventsResponse.FromString
    )

    def begin(position: int) -> Any:
        request = admin_pb2.WatchAuditEventsRequest(after_position=position)
        return watch(request.SerializeToString(), timeout=2)

    for position in (-2, -(2**63)):
        refusal = raw_auditor.refusal(lambda at=position: next(begin(at)))  # type: ignore[misc] # mypy and default arguments
        assert refusal.fields == ("after_position",)
    with pytest.raises(grpc.RpcError) as ended:
        next(begin(2**63 - 1))
    assert ended.value.code() is StatusCode.DEADLINE_EXCEEDED
