"""Who may do what: every role, every call, and the bounds of a grant."""

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from grpc import StatusCode

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.policy.permission import ROLE_PERMISSIONS, RPC_PERMISSIONS, Role
from signerd_client import Certificate, Client, KeyAlgorithm, Signature, SignItem, Target
from signerd_client.error import NotFound, PermissionDenied
from tests.e2e.client_identity import TlsAuthority
from tests.e2e.raw_call import RawCaller, raw_caller
from tests.e2e.reloading import reload
from tests.e2e.stored import assert_nothing_stored, stored

_OWN = sorted(rpc for rpc in RPC_PERMISSIONS if rpc.startswith("/signerd.v1."))
_ALL = "operator ra-officer ra-supervisor signer relying-party auditor"
_LISTERS = "operator ra-officer ra-supervisor auditor"
# Written by hand, against the tables: a change of them has to be meant.
_MAY = {
    "IssueCertificate": "ra-officer",
    "ReissueCertificate": "ra-officer",
    "RenewCertificate": "ra-officer signer",
    "SuspendCertificate": "operator ra-officer",
    "ResumeCertificate": "ra-supervisor",
    "RevokeCertificate": "operator ra-officer",
    "GetCertificate": _ALL,
    "ListCertificates": _LISTERS,
    "CountCertificates": _LISTERS,
    "WatchCertificates": _LISTERS,
    "VerifyIdentity": "relying-party",
    "GetCaChain": _ALL,
    "RegisterSubscriber": "ra-officer",
    "UpdateSubscriber": "ra-officer",
    "GetSubscriber": "ra-officer",
    "FindSubscribers": "ra-officer",
    "EraseSubscriber": "ra-officer",
    "SetPassword": "ra-officer",
    "RegisterBiometricKey": "ra-officer",
    "OpenEnrolment": "ra-officer",
    "SendCode": "ra-officer",
    "ProveIdentity": "ra-officer",
    "ClaimCertificate": "ra-officer",
    "ReportLoss": "ra-officer",
    "GetEnrolment": "ra-officer",
    "ListEnrolments": "ra-officer",
    "CancelEnrolment": "ra-officer",
    "GetPublicKey": "signer",
    "Sign": "signer",
    "BatchSign": "signer",
    "SignStream": "signer",
    "SignDocument": "signer",
    "Verify": "signer relying-party",
    "SignCms": "signer",
    "VerifyCms": "signer relying-party",
    "CreateTimestamp": "signer relying-party",
    "VerifyTimestamp": "signer relying-party",
    "SetActivationPin": "ra-officer",
    "SendActivationCode": "signer",
    "AuthorizeSigning": "signer",
    "UnlockActivation": "ra-officer",
    "CreateChallenge": "relying-party",
    "VerifyChallengeResponse": "relying-party",
    "GetServerInfo": _ALL,
    "GetTokenStatus": "operator auditor",
    "ListMessages": "operator",
    "GetMessage": "operator",
    "ListAuditEvents": "operator auditor",
    "ProveAuditRecord": "operator auditor",
    "WatchAuditEvents": "operator auditor",
}
# What may come of a call without content that is allowed.
_ANSWERS = {StatusCode.OK, StatusCode.INVALID_ARGUMENT}
_PREFIX = "spiffe://bank.example/"
_GRANTS = f"""
[[grant]]
principal = "uri:{_PREFIX}branch-1"
role = "signer"
subscribers = ["cust-1*"]

[[grant]]
principal = "uri:{_PREFIX}vip"
role = "signer"
key_groups = ["vip"]

[[grant]]
principal = "uri:{_PREFIX}officer-1"
role = "ra-officer"
subscribers = ["cust-1*"]

[[grant]]
principal = "uri:{_PREFIX}supervisor-1"
role = "ra-supervisor"
subscribers = ["cust-1*"]

[[grant]]
principal = "uri:{_PREFIX}two"
role = "signer"
subscribers = ["cust-2*"]
key_groups = ["vip"]

[[grant]]
principal = "uri:{_PREFIX}two"
role = "auditor"
subscribers = ["cust-1*"]
"""


class Callers:
    """Clients of one daemon by the last part of their URI."""

    def __init__(self, daemon: PrivateDaemon, stack: ExitStack) -> None:
        self._daemon = daemon
        self._stack = stack
        self._directory = Path(tempfile.mkdtemp(prefix="sd"))
        stack.callback(shutil.rmtree, self._directory)
        self._authority = TlsAuthority(daemon.directory / "tls")

    def __call__(self, name: str) -> Client:
        files = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        uri = x509.UniformResourceIdentifier(_PREFIX + name)
        self._authority.issue([uri]).write(*files)
        ca = self._daemon.directory / "tls" / "ca.pem"
        target = Target.tls(self._daemon.address, ca=ca, certificate=files[0], key=files[1])
        return self._stack.enter_context(Client(target))


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """A daemon with grants that are limited."""
    with private_daemon(DaemonSize(fronts=1, hosts=1)) as running:
        with (running.directory / "policy.toml").open("a") as policy:
            policy.write(_GRANTS)
        reload(running)
        yield running


@pytest.fixture
def callers(bank: PrivateDaemon) -> Iterator[Callers]:
    with ExitStack() as stack:
        yield Callers(bank, stack)


@pytest.fixture(scope="module")
def customers(bank: PrivateDaemon) -> dict[str, Certificate]:
    """Certificates inside and outside of the grants, by subscriber and group."""
    with Client(bank.target("ra-officer")) as officer:
        return {
            f"{subscriber}/{group}": officer.issue_certificate(
                subscriber,
                "personal",
                "Kim",
                key_algorithm=KeyAlgorithm.EC_P256_SHA256,
                key_group=group,
            )
            for subscriber in ("cust-17", "cust-2")
            for group in ("", "vip")
        }


def test_the_matrix_has_every_call() -> None:
    """A new call cannot be added without saying here who may make it."""
    assert {rpc.rpartition("/")[2] for rpc in _OWN} == set(_MAY)


def _outcome(caller: RawCaller, rpc: str) -> StatusCode:
    """How a call without content ends, unary or stream."""
    stream = caller.channel.unary_stream(rpc, None, None)(b"", timeout=30)
    try:
        next(iter(stream))
    except grpc.RpcError as error:
        return error.code()
    stream.cancel()  # type: ignore[no-untyped-call] # of the stubs
    return StatusCode.OK


@pytest.mark.usefixtures("customers")  # there is something to follow
@pytest.mark.parametrize("role", [role.value for role in Role])
def test_each_role_may_call_what_the_table_says(role: str, bank: PrivateDaemon) -> None:
    """Every call of every role: allowed or denied as both tables have it; the log has each
    denial, the audit none of them."""
    before, log_size = stored(bank), len(bank.log())
    denied = []
    with raw_caller(bank, role) as caller:
        for rpc in _OWN:
            expected = role not in _MAY[rpc.rpartition("/")[2]].split()
            assert expected is (RPC_PERMISSIONS[rpc] not in ROLE_PERMISSIONS[Role(role)])
            outcome = _outcome(caller, rpc)
            assert (outcome is StatusCode.PERMISSION_DENIED) is expected, rpc
            assert expected or outcome in _ANSWERS, rpc
            denied += [rpc] * expected
    lines = [json.loads(line) for line in bank.log()[log_size:].splitlines()]
    logged = [line for line in lines if line["event"] == "call.denied"]
    assert [line["rpc"] for line in logged] == denied
    assert {line["principal"] for line in logged} == {f"uri:spiffe://signerd.local/client/{role}"}
    assert_nothing_stored(bank, before)


_COVERED = {
    "branch-1": {"cust-17/", "cust-17/vip"},
    "vip": {"cust-17/vip", "cust-2/vip"},
    "two": {"cust-2/vip"},
}


@pytest.mark.parametrize("name", _COVERED)
def test_a_signer_signs_within_its_grant_alone(
    name: str, callers: Callers, customers: dict[str, Certificate], bank: PrivateDaemon
) -> None:
    """By subscriber, by key group, or by both together: sign, verify and public key; what is
    outside is denied, logged with the principal, and not signed. In a batch or a stream each is
    judged by itself."""
    client = callers(name)
    for label, certificate in customers.items():
        key = certificate.credential
        if label in _COVERED[name]:
            signature = client.sign(key, data=b"order").signature
            assert client.verify(signature, credential=key, data=b"order").valid
            assert client.get_public_key(key).certificate == certificate.name
            continue
        before, log_size = stored(bank), len(bank.log())
        for call in (
            lambda key=key: client.sign(key, data=b"order"),
            lambda key=key: client.sign_cms(key, data=b"order"),
            lambda key=key: client.verify(b"0", credential=key, data=b"order"),
            lambda one=certificate.name: client.verify(b"0", certificate=one, data=b"order"),
            lambda key=key: client.get_public_key(key),
        ):
            with pytest.raises(PermissionDenied) as denied:
                call()
            assert denied.value.reason == "OUT_OF_SCOPE"
        assert bank.log()[log_size:].count(f'"principal": "uri:{_PREFIX}{name}"') == 5
        assert_nothing_stored(bank, before)
    items = [SignItem(certificate.credential, data=b"order") for certificate in customers.values()]
    for results in (client.batch_sign(items), tuple(client.sign_stream(items))):
        for label, result in zip(customers, results, strict=True):
            if label in _COVERED[name]:
                assert isinstance(result, Signature)
            else:
                assert isinstance(result, PermissionDenied)
                assert result.reason == "OUT_OF_SCOPE"


def test_an_officer_works_within_its_grant_alone(
    callers: Callers, customers: dict[str, Certificate], bank: PrivateDaemon
) -> None:
    """Others' customers cannot be issued to, reissued, revoked or read, and are not listed."""
    client, other = callers("officer-1"), customers["cust-2/"].name
    issued = client.issue_certificate(
        "cust-1", "personal", "Kim", key_algorithm=KeyAlgorithm.EC_P256_SHA256
    )
    new = client.reissue_certificate(issued.name).certificate
    client.suspend_certificate(new.name)
    client.revoke_certificate(new.name, "KEY_COMPROMISE")
    before = stored(bank)
    for call in (
        lambda: client.issue_certificate(
            "cust-2", "personal", "Kim", key_algorithm=KeyAlgorithm.EC_P256_SHA256
        ),
        lambda: client.issue_certificate(
            "cust-2",
            "personal",
            "Kim",
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            validate_only=True,
        ),
        lambda: client.reissue_certificate(other),
        lambda: client.reissue_certificate(other, validate_only=True),
        lambda: client.renew_certificate(other, b"", request_id=str(uuid.uuid4())),
        lambda: client.suspend_certificate(other),
        lambda: client.suspend_certificate(other, validate_only=True),
        lambda: client.revoke_certificate(other, "KEY_COMPROMISE"),
        lambda: client.revoke_certificate(other, "KEY_COMPROMISE", validate_only=True),
        lambda: client.get_certificate(other),
    ):
        with pytest.raises(PermissionDenied) as denied:
            call()
        assert denied.value.reason == "OUT_OF_SCOPE"
    seen = {one.subscriber for one in client.list_certificates()}
    assert seen == {"subscribers/cust-1", "subscribers/cust-17"}
    assert list(client.list_certificates(subscriber="cust-2")) == []
    assert_nothing_stored(bank, before)


def test_an_officer_counts_and_follows_within_its_grant_alone(
    callers: Callers, customers: dict[str, Certificate], bank: PrivateDaemon
) -> None:
    """Others' customers are in no count and in no change; a signer may neither count nor follow."""
    client, own = callers("officer-1"), customers["cust-17/"]
    counted = sum(one.count for one in client.count_certificates())
    assert counted == len(list(client.list_certificates()))
    with Client(bank.target("auditor")) as auditor:
        assert sum(one.count for one in auditor.count_certificates()) > counted
        everything = auditor.watch_certificates(after_position=0, timeout_s=60)
        of_others = next(one for one in everything if one.certificate.subscriber.endswith("cust-2"))
    changes = client.watch_certificates(after_position=0, timeout_s=60)
    seen = []
    for change in changes:
        seen.append(change.certificate.subscriber)
        if change.certificate.name == customers["cust-17/vip"].name:
            break
    assert own.subscriber in seen
    assert of_others.certificate.subscriber not in seen
    for call in (
        lambda: callers("branch-1").count_certificates(),
        lambda: next(callers("branch-1").watch_certificates(after_position=0)),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_a_watch_follows_the_grant(bank: PrivateDaemon, callers: Callers) -> None:
    """Narrowed, the grant hides what comes from the next moment on; withdrawn, it ends the stream
    of a caller to whom nothing happens."""
    policy = bank.directory / "policy.toml"
    before = policy.read_text()
    grant = f"""
[[grant]]
principal = "uri:{_PREFIX}watcher"
role = "ra-officer"
subscribers = ["SEEN"]
"""
    policy.write_text(before + grant.replace("SEEN", "watched-*"))
    reload(bank)
    client = callers("watcher")
    kinds = KeyAlgorithm.EC_P256_SHA256
    first = client.issue_certificate("watched-1", "personal", "Kim", key_algorithm=kinds)
    changes = client.watch_certificates(after_position=0, timeout_s=120)
    assert next(changes).certificate.name == first.name
    try:
        policy.write_text(before + grant.replace("SEEN", "watched-2"))
        reload(bank)
        with Client(bank.target("ra-officer")) as officer:
            officer.revoke_certificate(first.name, "KEY_COMPROMISE")
            second = officer.issue_certificate("watched-2", "personal", "Kim", key_algorithm=kinds)
        assert next(changes).certificate.name == second.name
    finally:
        policy.write_text(before)
        reload(bank)
    with pytest.raises(PermissionDenied) as ended:
        next(changes)
    assert "certificate.list" in ended.value.message


def test_whoever_suspends_does_not_resume(
    callers: Callers, customers: dict[str, Certificate], bank: PrivateDaemon
) -> None:
    """An officer puts on hold and may not take off it; a supervisor may, within its grant, and may
    not put on hold."""
    officer, supervisor = callers("officer-1"), callers("supervisor-1")
    name, other = customers["cust-17/"].name, customers["cust-2/"].name
    with Client(bank.target("ra-officer")) as everywhere:
        everywhere.suspend_certificate(other)
    with pytest.raises(PermissionDenied):
        supervisor.suspend_certificate(name)
    officer.suspend_certificate(name)
    before = stored(bank)
    with pytest.raises(PermissionDenied):
        officer.resume_certificate(name)
    with pytest.raises(PermissionDenied) as denied:
        supervisor.resume_certificate(other)
    assert denied.value.reason == "OUT_OF_SCOPE"
    assert_nothing_stored(bank, before)
    supervisor.resume_certificate(name)
    with Client(bank.target("ra-supervisor")) as everywhere_too:
        everywhere_too.resume_certificate(other)


def test_grants_add_up_without_mixing(callers: Callers, customers: dict[str, Certificate]) -> None:
    """Two grants of one principal: each role with its own subscribers."""
    client = callers("two")
    assert client.server_info().roles == ("auditor", "signer")
    assert {one.subscriber for one in client.list_certificates()} <= {
        "subscribers/cust-1",
        "subscribers/cust-17",
    }
    with pytest.raises(PermissionDenied):
        client.sign(customers["cust-17/"].credential, data=b"order")


def test_what_is_not_there_is_not_found(callers: Callers) -> None:
    """Also for a caller who may not see everything."""
    with pytest.raises(NotFound):
        callers("officer-1").get_certificate(uuid.uuid4().hex)
