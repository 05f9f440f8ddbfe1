"""From application to certificate, to its reissue and to the report of its loss."""

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.fault import CLAIM_POINTS, FaultPoint
from signerd.v1 import enrolment_pb2 as pb
from signerd.v1 import types_pb2
from signerd_client import Client
from tests.e2e.customer import BANKING, Customer
from tests.e2e.raw_call import DETAILS, RawCaller, raw_caller
from tests.e2e.waiting import wait_until

_SERVICE = "/signerd.v1.Enrolment"
_ISSUED = "2020-05-06"
_PASSWORD = "vague trombone 41 harbour"  # noqa: S105 - of a made-up customer


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """Documents are looked up in a file; codes go to the mailbox, one at once after another."""
    with private_daemon(DaemonSize(fronts=2, hosts=1)) as daemon:
        (daemon.directory / "identity.toml").write_text("[code]\nresend_s = 0\n")
        daemon.stop()
        (daemon.directory / "faults").mkdir()
        with daemon.configuration.open("a") as configuration:
            configuration.write('rules = "identity.toml"\n\n[test]\nfault_directory = "faults"\n')
        daemon.start()
        yield daemon


@pytest.fixture(scope="module")
def desk(bank: PrivateDaemon) -> Iterator[RawCaller]:
    """The RA officer."""
    with raw_caller(bank, "ra-officer") as caller:
        yield caller


def _new() -> str:
    return str(uuid.uuid4())


def _call(desk: RawCaller, name: str, request: Any) -> Any:
    """A new call each time, unless the request says which one it is."""
    if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
        named = type(request)(request_id=_new())
        named.MergeFrom(request)
        request = named
    return desk.send(f"{_SERVICE}/{name}", request, getattr(pb, f"{name}Response"))


def _refused(desk: RawCaller, name: str, request: Any) -> error_details_pb2.ErrorInfo:
    with pytest.raises(grpc.RpcError) as raised:
        _call(desk, name, request)
    failure: Any = raised.value
    status = status_pb2.Status.FromString(dict(failure.trailing_metadata())[DETAILS])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


def _registered(bank: PrivateDaemon) -> Customer:
    customer = Customer()
    with Client(bank.target("ra-officer")) as client:
        client.register_subscriber(
            customer.subscriber,
            customer.name,
            customer.data,
            branch="041",
            identity_number=customer.number,
        )
    with (bank.directory / "documents.csv").open("a") as documents:
        documents.write(f"DRIVERS_LICENCE,{customer.licence},{customer.name},{_ISSUED}\n")
    return customer


def _opened(desk: RawCaller, customer: Customer, purpose: str, certificate: str = "") -> Any:
    request = pb.OpenEnrolmentRequest(
        subscriber=f"subscribers/{customer.subscriber}",
        purpose=pb.EnrolmentPurpose.Value(f"ENROLMENT_PURPOSE_{purpose}"),
        certificate=certificate,
        request_id=_new(),
    )
    if purpose == "ISSUE":
        request.profile = BANKING
        request.key_algorithm = types_pb2.KEY_ALGORITHM_RSA_2048_PKCS1_SHA256
    return _call(desk, "OpenEnrolment", request).enrolment


def _document(enrolment: str, customer: Customer, date: str = _ISSUED) -> pb.ProveIdentityRequest:
    return pb.ProveIdentityRequest(
        enrolment=enrolment,
        document=pb.DocumentProof(
            kind=pb.DOCUMENT_KIND_DRIVERS_LICENCE, number=customer.licence, issue_date=date
        ),
    )


def _code(desk: RawCaller, bank: PrivateDaemon, enrolment: str, phone: str) -> str:
    """Have one sent, and read it on the phone."""
    request = pb.SendCodeRequest(enrolment=enrolment, factor=pb.FACTOR_PHONE_CODE)
    known = set((bank.directory / "mailbox").glob("*"))
    sent = _call(desk, "SendCode", request)
    assert sent.sent_to.endswith(phone[-3:])
    assert phone not in sent.sent_to

    def read() -> str:
        for file in set((bank.directory / "mailbox").glob("*.json")) - known:
            sms = json.loads(file.read_text())
            found = re.search(r"\b[0-9]{6}\b", sms["text"])
            if sms["to"] == phone and found:
                return found[0]
        return ""

    wait_until(read, "the code arrives")
    return read()


def _with_code(enrolment: str, code: str) -> pb.ProveIdentityRequest:
    return pb.ProveIdentityRequest(
        enrolment=enrolment, code=pb.CodeProof(factor=pb.FACTOR_PHONE_CODE, code=code)
    )


def _claim(authorisation: Any, request_id: str = "") -> pb.ClaimCertificateRequest:
    return pb.ClaimCertificateRequest(
        reference_number=authorisation.reference_number,
        authorisation_code=authorisation.authorisation_code,
        request_id=request_id or _new(),
    )


def _authorised(desk: RawCaller, customer: Customer) -> Any:
    """The authorisation of a first certificate."""
    set_ = pb.SetPasswordRequest(
        subscriber=f"subscribers/{customer.subscriber}", new_password=_PASSWORD
    )
    _call(desk, "SetPassword", set_)
    enrolment = _opened(desk, customer, "ISSUE")
    first = _call(desk, "ProveIdentity", _document(enrolment.name, customer))
    assert [group.met for group in first.enrolment.needed] == [True, False]
    assert not first.HasField("authorisation")
    last = pb.ProveIdentityRequest(enrolment=enrolment.name, password=_PASSWORD)
    answer = _call(desk, "ProveIdentity", last)
    assert answer.enrolment.state == pb.ENROLMENT_STATE_AUTHORISED
    return answer.authorisation


def _story(desk: RawCaller, reference: str) -> list[str]:
    request = pb.GetEnrolmentRequest(support_reference=reference)
    return [event.kind for event in _call(desk, "GetEnrolment", request).events]


def test_from_application_to_loss(desk: RawCaller, bank: PrivateDaemon) -> None:
    """Issue with document and password, reissue with document and phone code, report of the loss
    with two proofs; and nothing of it can be had twice."""
    customer = _registered(bank)
    authorisation = _authorised(desk, customer)
    claim = _claim(authorisation)
    first = _call(desk, "ClaimCertificate", claim).certificate
    assert _call(desk, "ClaimCertificate", claim).certificate == first
    assert _refused(desk, "ClaimCertificate", _claim(authorisation)).reason == "ENROLMENT_CLAIMED"

    reissue = _opened(desk, customer, "REISSUE", first.name)
    _call(desk, "ProveIdentity", _document(reissue.name, customer))
    code = _code(desk, bank, reissue.name, customer.phone)
    answer = _call(desk, "ProveIdentity", _with_code(reissue.name, code))
    second = _call(desk, "ClaimCertificate", _claim(answer.authorisation))
    assert second.certificate.not_after_time == first.not_after_time
    assert second.replaced.name == first.name
    assert second.replaced.state == types_pb2.CERTIFICATE_STATE_REVOKED

    loss = _opened(desk, customer, "LOSS_REPORT", second.certificate.name)
    report = pb.ReportLossRequest(enrolment=loss.name, request_id=_new())
    early = _refused(desk, "ReportLoss", report)
    assert (early.reason, early.metadata["support_reference"]) == (
        "FACTOR_MISSING",
        loss.support_reference,
    )
    code = _code(desk, bank, loss.name, customer.phone)
    _call(desk, "ProveIdentity", _with_code(loss.name, code))
    _call(desk, "ProveIdentity", _document(loss.name, customer))
    lost = _call(desk, "ReportLoss", report).certificate
    assert lost.state == types_pb2.CERTIFICATE_STATE_REVOKED
    assert lost.revocation.reason == types_pb2.REVOCATION_REASON_KEY_COMPROMISE
    assert _call(desk, "ReportLoss", report).certificate == lost
    assert _story(desk, loss.support_reference.lower()) == [
        "opened",
        "refused",
        "code_sent",
        "proof_accepted",
        "proof_accepted",
        "authorised",
        "completed",
    ]


def test_a_second_certificate_is_refused_with_advice(desk: RawCaller, bank: PrivateDaemon) -> None:
    """The application is refused, and support finds why."""
    customer = _registered(bank)
    _call(desk, "ClaimCertificate", _claim(_authorised(desk, customer)))
    request = pb.OpenEnrolmentRequest(
        subscriber=f"subscribers/{customer.subscriber}",
        purpose=pb.ENROLMENT_PURPOSE_ISSUE,
        profile=BANKING,
        key_algorithm=types_pb2.KEY_ALGORITHM_RSA_2048_PKCS1_SHA256,
        request_id=_new(),
    )
    refused = _refused(desk, "OpenEnrolment", request)
    assert refused.reason == "CERTIFICATE_VALID"
    assert _story(desk, refused.metadata["support_reference"]) == ["refused"]


def test_two_claims_at_the_same_moment_get_one_certificate(
    desk: RawCaller, bank: PrivateDaemon
) -> None:
    """Of two callers one gets it; of one caller's repetitions each gets the same."""
    customer = _registered(bank)
    authorisation = _authorised(desk, customer)
    claims = [_claim(authorisation), _claim(authorisation)] * 2

    def attempt(claim: pb.ClaimCertificateRequest) -> str:
        with raw_caller(bank, "ra-officer") as caller:
            try:
                return str(_call(caller, "ClaimCertificate", claim).certificate.name)
            except grpc.RpcError:
                return ""

    with ThreadPoolExecutor(len(claims)) as pool:
        made = set(pool.map(attempt, claims)) - {""}
    assert len(made) == 1
    with Client(bank.target("ra-officer")) as client:
        listed = list(client.list_certificates(subscriber=customer.subscriber))
    assert {one.name for one in listed} == made


def test_wrong_proofs_lock_and_name_the_release(desk: RawCaller, bank: PrivateDaemon) -> None:
    """Wrong codes count over all attempts; the fifth locks, and a new code is not sent."""
    customer = _registered(bank)
    with Client(bank.target("ra-officer")) as client:
        certificate = _call(
            desk, "ClaimCertificate", _claim(_authorised(desk, customer))
        ).certificate.name
        assert client.get_certificate(certificate).name == certificate
    enrolment = _opened(desk, customer, "REISSUE", certificate)
    code = _code(desk, bank, enrolment.name, customer.phone)
    wrong = _with_code(enrolment.name, f"{(int(code) + 1) % 1_000_000:06}")
    reasons = [_refused(desk, "ProveIdentity", wrong).reason for _ in range(5)]
    assert reasons == ["CODE_WRONG"] * 4 + ["LOCKED_OUT"]
    again = _refused(desk, "ProveIdentity", _with_code(enrolment.name, code))
    assert again.reason == "LOCKED_OUT"
    assert again.metadata["release_time"]
    foreign = _document(enrolment.name, Customer())
    assert _refused(desk, "ProveIdentity", foreign).reason == "DOCUMENT_NOT_REGISTERED"
    other_day = _document(enrolment.name, customer, "2021-05-06")
    assert _refused(desk, "ProveIdentity", other_day).reason == "DOCUMENT_NOT_GENUINE"
    shown = _call(desk, "GetEnrolment", pb.GetEnrolmentRequest(name=enrolment.name))
    assert shown.enrolment.HasField("lock_release_time")
    story = str(shown.events)
    assert not [secret for secret in (*customer.secrets, code) if secret in story]


@pytest.mark.parametrize("point", CLAIM_POINTS)
def test_a_crash_while_claiming_costs_nothing(
    desk: RawCaller, bank: PrivateDaemon, point: FaultPoint
) -> None:
    """The same claim again ends in one certificate, and its enrolment is completed."""
    customer = _registered(bank)
    claim = _claim(_authorised(desk, customer))
    order = bank.directory / "faults" / point.value
    order.write_text("kill")
    made: list[str] = []

    def attempt() -> list[str]:
        try:
            made.append(_call(desk, "ClaimCertificate", claim).certificate.name)
        except grpc.RpcError as error:
            failure: Any = error
            assert failure.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)
        return made

    wait_until(attempt, "the claim is answered")
    assert not order.exists()
    with Client(bank.target("ra-officer")) as client:
        listed = list(client.list_certificates(subscriber=customer.subscriber))
    assert [one.name for one in listed] == made
    request = pb.ListEnrolmentsRequest(subscriber=f"subscribers/{customer.subscriber}")
    (shown,) = _call(desk, "ListEnrolments", request).enrolments
    assert (shown.state, shown.certificate) == (pb.ENROLMENT_STATE_COMPLETED, made[0])


@pytest.mark.parametrize(
    "point",
    [
        FaultPoint.CHANGE_BEFORE_STORE,
        FaultPoint.STORE_CHANGE_UNCOMMITTED,
        FaultPoint.CHANGE_STORED,
        FaultPoint.STORE_ENROLMENT_UNCOMMITTED,
    ],
)
def test_a_crash_while_a_loss_is_reported_costs_nothing(
    desk: RawCaller, bank: PrivateDaemon, point: FaultPoint
) -> None:
    """The same report again ends in one revocation, on record once, and a completed enrolment."""
    customer = _registered(bank)
    claim = _claim(_authorised(desk, customer))
    certificate = _call(desk, "ClaimCertificate", claim).certificate.name
    loss = _opened(desk, customer, "LOSS_REPORT", certificate)
    _call(desk, "ProveIdentity", _document(loss.name, customer))
    last = pb.ProveIdentityRequest(enrolment=loss.name, password=_PASSWORD)
    _call(desk, "ProveIdentity", last)
    report = pb.ReportLossRequest(enrolment=loss.name, request_id=_new())
    order = bank.directory / "faults" / point.value
    order.write_text("kill")
    states: list[int] = []

    def attempt() -> list[int]:
        try:
            states.append(_call(desk, "ReportLoss", report).certificate.state)
        except grpc.RpcError as error:
            failure: Any = error
            assert failure.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)
        return states

    wait_until(attempt, "the report is answered")
    assert not order.exists()
    assert states == [types_pb2.CERTIFICATE_STATE_REVOKED]
    with Client(bank.target("auditor")) as auditor:
        kinds = [event.kind for event in auditor.list_audit_events(resource=certificate)]
    assert kinds == ["certificate.issued", "certificate.revoked"]
    shown = _call(desk, "GetEnrolment", pb.GetEnrolmentRequest(name=loss.name)).enrolment
    assert shown.state == pb.ENROLMENT_STATE_COMPLETED
