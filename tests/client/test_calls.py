"""Every method against a server of the real API."""

import inspect
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from signerd.v1 import enrolment_pb2
from signerd_client import (
    AsyncClient,
    Client,
    DocumentKind,
    KeyAlgorithm,
    PasswordProof,
    PersonalData,
    Signature,
    SignItem,
    Target,
    subscriber_call,
)
from signerd_client.certificate import CertificateState, RevocationReason
from signerd_client.error import FailedPrecondition
from signerd_client.inventory import CertificateCount
from signerd_client.server import HealthState
from tests.client.scripted_answer import CERTIFICATE_COUNT, CREDENTIAL, EVENT_COUNT, IDENTITY_NUMBER
from tests.client.scripted_daemon import SERVICES, ScriptedDaemon

DATA = PersonalData(
    DocumentKind.DRIVERS_LICENCE,
    document_number="11-22-345678-60",
    account="110-123-456789",
    phone="+821012345678",
    email="hong@example.com",
)

CALLS: dict[str, Callable[[Any], Any]] = {
    "IssueCertificate": lambda client: client.issue_certificate(
        "hong", "personal", "홍길동", key_algorithm=KeyAlgorithm.EC_P256_SHA256
    ),
    "ReissueCertificate": lambda client: client.reissue_certificate("4f"),
    "RenewCertificate": lambda client: client.renew_certificate("4f", b"proof", request_id="r"),
    "SuspendCertificate": lambda client: client.suspend_certificate("4f"),
    "ResumeCertificate": lambda client: client.resume_certificate("4f"),
    "RevokeCertificate": lambda client: client.revoke_certificate("4f", "KEY_COMPROMISE"),
    "GetCertificate": lambda client: client.get_certificate("4f"),
    "ListCertificates": lambda client: client.list_certificates(),
    "CountCertificates": lambda client: client.count_certificates(),
    "WatchCertificates": lambda client: client.watch_certificates(after_position=0),
    "GetCaChain": lambda client: client.get_ca_chain(),
    "VerifyIdentity": lambda client: client.verify_identity("4f", IDENTITY_NUMBER),
    "RegisterSubscriber": lambda client: client.register_subscriber("hong", "홍길동", DATA),
    "UpdateSubscriber": lambda client: client.update_subscriber("hong", phone="+82212345678"),
    "GetSubscriber": lambda client: client.get_subscriber("hong"),
    "FindSubscribers": lambda client: client.find_subscribers(account="110-123-456789"),
    "EraseSubscriber": lambda client: client.erase_subscriber("hong"),
    "SetPassword": lambda client: client.set_password("hong", "vague trombone"),
    "RegisterBiometricKey": lambda client: client.register_biometric_key("hong", b"DER"),
    "OpenEnrolment": lambda client: client.open_enrolment("hong", "REISSUE", certificate="4f"),
    "SendCode": lambda client: client.send_code("6a", "PHONE_CODE"),
    "ProveIdentity": lambda client: client.prove_identity("6a", PasswordProof("vague trombone")),
    "ClaimCertificate": lambda client: client.claim_certificate("1234567890128", "7KQ2M"),
    "ReportLoss": lambda client: client.report_loss("6a"),
    "GetEnrolment": lambda client: client.get_enrolment("6a"),
    "ListEnrolments": lambda client: client.list_enrolments(),
    "CancelEnrolment": lambda client: client.cancel_enrolment("6a"),
    "GetPublicKey": lambda client: client.get_public_key("c"),
    "Sign": lambda client: client.sign("c", data=b"order"),
    "BatchSign": lambda client: client.batch_sign([SignItem("c", data=b"order")]),
    "SignStream": lambda client: client.sign_stream([SignItem("c", data=b"order")]),
    "SignDocument": lambda client: client.sign_document("c", io.BytesIO(b"order")),
    "Verify": lambda client: client.verify(b"x", credential="c", data=b"order"),
    "SetActivationPin": lambda client: client.set_activation_pin("c", "135792"),
    "SendActivationCode": lambda client: client.send_activation_code("c"),
    "AuthorizeSigning": lambda client: client.authorize_signing("c", pin="135792"),
    "UnlockActivation": lambda client: client.unlock_activation("c"),
    "SignCms": lambda client: client.sign_cms(["c", "d"], data=b"order"),
    "VerifyCms": lambda client: client.verify_cms(b"x", data=b"order"),
    "CreateTimestamp": lambda client: client.create_timestamp(digest=bytes(32)),
    "VerifyTimestamp": lambda client: client.verify_timestamp(b"x", data=b"order"),
    "CreateChallenge": lambda client: client.create_challenge("bank.example"),
    "VerifyChallengeResponse": lambda client: client.verify_challenge_response(
        "statement", b"s", certificate="4f"
    ),
    "GetServerInfo": lambda client: client.server_info(),
    "GetTokenStatus": lambda client: client.token_status(),
    "ListAuditEvents": lambda client: client.list_audit_events(),
    "WatchAuditEvents": lambda client: client.watch_audit_events(after_position=0),
    "ProveAuditRecord": lambda client: client.prove_audit_record(position=26),
    "ListMessages": lambda client: client.list_messages(),
    "GetMessage": lambda client: client.get_message("9b1c"),
}


def _rpcs() -> set[str]:
    return {method.name for service in SERVICES for method in service.methods}


def test_every_rpc_has_a_blocking_method(daemon: ScriptedDaemon, client: Client) -> None:
    """Calling each method reaches exactly the RPCs that the service descriptors list."""
    for call in CALLS.values():
        answer = call(client)
        if isinstance(answer, Iterator):
            next(answer)
    assert set(daemon.script.requests) == _rpcs()


async def test_every_rpc_has_an_asynchronous_method(daemon: ScriptedDaemon, target: Target) -> None:
    """The asynchronous client reaches the same RPCs with the same arguments."""
    async with AsyncClient(target, timeout_s=10) as client:
        for call in CALLS.values():
            answer = call(client)
            if inspect.isawaitable(answer):
                await answer
            else:
                await anext(answer)
                await answer.aclose()
    assert set(daemon.script.requests) == _rpcs()


def test_both_clients_have_the_same_methods_and_parameters() -> None:
    """What one client can do the other can, called the same way."""

    def methods(client: type) -> dict[str, inspect.Signature]:
        return {
            name: inspect.signature(member)
            for name, member in vars(client).items()
            if not name.startswith("_") and name != "close"
        }

    blocking = methods(Client)
    further = {"health", "renew", "prove_renewal", "private_key", "sign_login"}
    assert further < blocking.keys()
    assert len(blocking) == len(CALLS) + len(further)
    assert blocking == methods(AsyncClient)
    assert list(blocking["sign"].parameters)[:3] == ["self", "credential", "data"]


def test_issue_gives_a_certificate_of_plain_values(daemon: ScriptedDaemon, client: Client) -> None:
    """The answer holds enumerations, aware UTC times and DER that parses; Korean text is intact."""
    certificate = client.issue_certificate(
        "hong-gildong",
        "personal",
        "홍길동",
        key_algorithm="EC_P256_SHA256",
        organizational_units=["개인"],
        email="hong@example.com",
        dns_names=["a.example"],
        key_group="vip",
    )
    assert certificate.subject == "CN=홍길동"
    assert certificate.state is CertificateState.ACTIVE
    assert certificate.key_algorithm is KeyAlgorithm.EC_P256_SHA256
    assert certificate.revocation is None
    parsed = x509.load_pem_x509_certificate(certificate.pem.encode())
    assert parsed == daemon.answers.holder.certificate
    assert certificate.not_after_time == parsed.not_valid_after_utc
    (request,) = daemon.script.requests["IssueCertificate"]
    assert request.subscriber == "subscribers/hong-gildong"
    assert list(request.subject.organizational_units) == ["개인"]
    assert (request.subject.email, request.key_group) == ("hong@example.com", "vip")
    assert list(request.subject.dns_names) == ["a.example"]


def test_validate_only_makes_nothing(daemon: ScriptedDaemon, client: Client) -> None:
    """With validate_only issue returns nothing and reissue the certificate as it stands."""
    checked: object = client.issue_certificate("h", "p", "n", csr=b"DER", validate_only=True)
    assert checked is None
    assert daemon.script.requests["IssueCertificate"][0].csr == b"DER"
    assert client.reissue_certificate("4F:0A", validate_only=True).revocation is None
    assert daemon.script.requests["ReissueCertificate"][0].certificate == "certificates/4f0a"


def test_reissue_and_revoke_tell_of_the_old_certificate(client: Client) -> None:
    """The replaced certificate carries time and reason of its revocation."""
    reissued = client.reissue_certificate("certificates/4f")
    assert reissued.certificate.state is CertificateState.ACTIVE
    assert reissued.replaced.revocation is not None
    assert reissued.replaced.revocation.reason is RevocationReason.SUPERSEDED
    revoked = client.revoke_certificate("4f", RevocationReason.KEY_COMPROMISE)
    assert revoked.state is CertificateState.REVOKED


def test_lists_go_over_all_pages(daemon: ScriptedDaemon, client: Client) -> None:
    """Pages are joined, each asked for with the filters of the first."""
    listed = list(client.list_certificates(subscriber="hong", state="ACTIVE", page_size=2))
    assert len(listed) == CERTIFICATE_COUNT
    requests = daemon.script.requests["ListCertificates"]
    assert [request.page_token for request in requests] == ["", "2", "4"]
    assert {request.subscriber for request in requests} == {"subscribers/hong"}
    positions = [event.position for event in client.list_audit_events(page_size=2)]
    assert positions == list(range(1, EVENT_COUNT + 1))


def test_counts_and_changes_are_plain_values(daemon: ScriptedDaemon, client: Client) -> None:
    """Counts have the daemon's combinations, changes the certificate as it stands; filters are
    passed on."""
    moment = datetime(2027, 3, 1, tzinfo=UTC)
    first, *_, last = client.count_certificates(expire_time_from=moment)
    assert first == CertificateCount(CertificateState.ACTIVE, "personal", "071", "2027-03", 40)
    assert (last.state, last.branch, last.count) == (CertificateState.REVOKED, "001", 10)
    (request,) = daemon.script.requests["CountCertificates"]
    assert request.expire_time_from.ToDatetime(UTC) == moment
    assert not request.HasField("expire_time_before")
    change = next(client.watch_certificates(subscriber="hong", after_position=3))
    assert (change.position, change.kind) == (4, "certificate.issued")
    assert change.certificate.name == daemon.answers.certificate_name
    assert change.event_time.tzinfo is UTC
    assert daemon.script.requests["WatchCertificates"][0].subscriber == "subscribers/hong"


async def test_asynchronous_lists_go_over_all_pages(daemon: ScriptedDaemon, target: Target) -> None:
    """Pages are joined in order there too."""
    async with AsyncClient(target) as client:
        positions = [event.position async for event in client.list_audit_events(page_size=2)]
    assert positions == list(range(1, EVENT_COUNT + 1))
    assert len(daemon.script.requests["ListAuditEvents"]) == 3


def test_signatures_hold(daemon: ScriptedDaemon, client: Client) -> None:
    """A signature over data, or over a digest of it, is the key's, and Verify agrees."""
    order = "이체 100,000원".encode()
    hashed = hashes.Hash(hashes.SHA256())
    hashed.update(order)
    digest = hashed.finalize()
    public = daemon.answers.holder.key.public_key()
    for signature in (client.sign("c", data=order), client.sign("c", digest=digest)):
        public.verify(signature.signature, order, ec.ECDSA(hashes.SHA256()))
        assert signature.credential == CREDENTIAL
        assert signature.certificate == daemon.answers.certificate_name
    last = client.sign("c", data=order).signature
    assert client.verify(last, credential="c", data=order).valid
    assert client.verify(last, certificate="4f", digest=digest).valid
    refused = client.verify(last, credential="c", data=b"another order")
    assert not refused.valid
    assert refused.explanation


def test_sign_sends_the_digest_in_the_field_of_its_hash(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """The hash of a digest follows from its length."""
    for length, field in ((32, "sha256"), (48, "sha384"), (64, "sha512")):
        client.verify(b"s", credential="c", digest=bytes(length))
        assert daemon.script.requests["Verify"][-1].digest.WhichOneof("digest") == field


async def test_what_may_succeed_later_is_asked_for_again(
    daemon: ScriptedDaemon, client: Client, target: Target
) -> None:
    """Of a batch only what the daemon could not do now is sent again; a refusal stands."""
    items = [
        SignItem("c", data=data, purpose=purpose)
        for data, purpose in ((b"a", ""), (b"b", "later"), (b"c", "refuse"))
    ]
    signed, late, refused = client.batch_sign(items)
    assert isinstance(signed, Signature)
    assert isinstance(late, Signature)
    assert isinstance(refused, FailedPrecondition)
    assert (refused.reason, refused.retry_after_s) == ("CREDENTIAL_RETIRED", 1.5)
    sent = [[one.data for one in each.requests] for each in daemon.script.requests["BatchSign"]]
    assert sent == [[b"a", b"b", b"c"], [b"b"]]
    async with AsyncClient(target) as other:
        [late] = await other.batch_sign([SignItem("c", data=b"d", purpose="later")])
    assert isinstance(late, Signature)


def test_admin_answers_are_plain_values(client: Client) -> None:
    """Server information, token status and public key come as values."""
    info = client.server_info()
    assert (info.process, info.roles, info.profiles) == ("front-0", ("ra-officer",), ("personal",))
    assert info.current_time == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    status = client.token_status()
    assert [(token.label, token.available) for token in status.tokens] == [
        ("authority", True),
        ("subscribers-0", False),
    ]
    assert status.hosts[0].name == "host-0"
    assert client.get_public_key("c").pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert len(client.get_ca_chain()) == 1


def test_health_speaks_the_standard_protocol(daemon: ScriptedDaemon, client: Client) -> None:
    """The reference implementation of grpc.health.v1 understands and is understood."""
    assert client.health().serving
    daemon.health.enter_graceful_shutdown()
    assert client.health().state is HealthState.NOT_SERVING


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.sign("c"),
        lambda client: client.sign("c", data=b"a", digest=b"b"),
        lambda client: client.sign("c", digest=b"31 bytes are no digest of any.."),
        lambda client: client.verify(b"s", data=b"a"),
        lambda client: client.issue_certificate("h", "p", "n"),
        lambda client: client.issue_certificate("h", "p", "n", key_algorithm="RSA"),
        lambda client: client.revoke_certificate("4f", "BOREDOM"),
    ],
)
def test_calls_that_make_no_sense_are_not_sent(
    daemon: ScriptedDaemon, client: Client, call: Callable[[Client], object]
) -> None:
    """Contradictory arguments are a ValueError before anything leaves the process."""
    with pytest.raises(ValueError, match=r"give either|digest of|key algorithm|RevocationReason"):
        call(client)
    assert not daemon.script.requests


def test_a_registration_sends_what_it_was_given(daemon: ScriptedDaemon, client: Client) -> None:
    """Every datum arrives in its field, and what comes back is masked values."""
    registered = client.register_subscriber(
        "hong", "홍길동", DATA, branch="041", identity_number=IDENTITY_NUMBER
    )
    (request,) = daemon.script.requests["RegisterSubscriber"]
    assert (request.subscriber, request.real_name, request.branch) == (
        "subscribers/hong",
        "홍길동",
        "041",
    )
    assert request.identity_number == IDENTITY_NUMBER
    sent = request.personal_data
    assert sent.document_kind == enrolment_pb2.DOCUMENT_KIND_DRIVERS_LICENCE
    assert (sent.document_number, sent.account, sent.phone, sent.email) == (
        DATA.document_number,
        DATA.account,
        DATA.phone,
        DATA.email,
    )
    assert registered.masked is not None
    assert registered.masked.document_kind is DocumentKind.DRIVERS_LICENCE
    assert registered.has_virtual_id
    assert registered.erase_time is None
    assert client.erase_subscriber("hong").masked is None


def test_one_search_key_is_given(client: Client) -> None:
    """None, or two, are no search."""
    with pytest.raises(ValueError, match="give one of"):
        client.find_subscribers()
    with pytest.raises(ValueError, match="give one of"):
        client.find_subscribers(account="1", phone="2")


def test_what_is_personal_is_in_no_repr() -> None:
    """A call or a value that is logged by the application shows no personal data."""
    call = subscriber_call.register_subscriber("hong", "홍", DATA, identity_number=IDENTITY_NUMBER)
    shown = repr(call) + repr(DATA)
    secrets = (IDENTITY_NUMBER, DATA.document_number, DATA.account, DATA.phone, DATA.email)
    assert not [secret for secret in secrets if secret in shown]
