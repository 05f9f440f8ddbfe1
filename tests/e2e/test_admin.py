"""What operators and auditors ask, and a gRPC client that is not ours."""

import json
import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.v1 import (
    activation_pb2,
    admin_pb2,
    certificate_authority_pb2,
    document_signing_pb2,
    enrolment_pb2,
    login_pb2,
    signing_pb2,
    timestamping_pb2,
)
from signerd_client import Certificate, Client, KeyAlgorithm
from signerd_client.error import NotFound
from signerd_client.server import AuditEvent, TokenPurpose
from tests.e2e.waiting import wait_until

_BUF = Path(sys.executable).with_name("buf")
_HASH = re.compile(r"[0-9a-f]{64}")
_FILES = (
    activation_pb2,
    admin_pb2,
    certificate_authority_pb2,
    document_signing_pb2,
    enrolment_pb2,
    login_pb2,
    signing_pb2,
    timestamping_pb2,
)


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """A daemon of which nobody else uses the tokens or the audit."""
    with private_daemon(DaemonSize(fronts=1, hosts=1)) as running:
        yield running


@pytest.fixture
def auditing(bank: PrivateDaemon) -> Iterator[Client]:
    with Client(bank.target("auditor")) as client:
        yield client


@pytest.fixture
def issuing(bank: PrivateDaemon) -> Iterator[Client]:
    with Client(bank.target("ra-officer")) as client:
        yield client


def _issue(client: Client, subscriber: str = "") -> Certificate:
    return client.issue_certificate(
        subscriber or f"cust-{uuid.uuid4().hex[:8]}",
        "personal",
        "홍길동",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
    )


def _events(client: Client, kind: str) -> int:
    return sum(1 for _ in client.list_audit_events(kind=kind))


def test_the_server_says_what_it_is(bank: PrivateDaemon, auditing: Client) -> None:
    """Version, node, process and whom it takes the caller for."""
    info = auditing.server_info()
    assert (info.version, info.node, info.process) == (version("signerd"), "local", "front-0")
    assert [front.pid for front in bank.processes("front")] == [info.process_id]
    assert timedelta() < datetime.now(UTC) - info.start_time < timedelta(hours=1)
    assert info.start_time < info.current_time
    assert abs(datetime.now(UTC) - info.current_time) < timedelta(hours=1)
    assert info.principal == "uri:spiffe://signerd.local/client/auditor"
    assert info.roles == ("auditor",)


def test_token_status_counts_the_keys(
    bank: PrivateDaemon, auditing: Client, issuing: Client
) -> None:
    """Authority first; each key that is made counts, a trial makes none."""
    # Keys of certificates that ended earlier no longer count once they are destroyed.
    wait_until(
        lambda: _events(auditing, "certificate.revoked") == _events(auditing, "key.destroyed"),
        "it is tidy",
    )
    before = auditing.token_status()
    authority, subscribers = before.tokens
    assert (authority.purpose, subscribers.purpose) == (
        TokenPurpose.AUTHORITY,
        TokenPurpose.SUBSCRIBER,
    )
    assert (authority.label, authority.key_capacity) == ("signerd-authority", 0)
    assert (subscribers.label, subscribers.key_capacity) == ("signerd-subscribers-1", 1000)
    assert all(token.available and not token.problem for token in before.tokens)
    made = [_issue(issuing) for _ in range(3)]
    issuing.issue_certificate(
        "dry", "personal", "Dry", key_algorithm="EC_P256_SHA256", validate_only=True
    )
    after = auditing.token_status()
    assert after.tokens[1].key_count >= subscribers.key_count + len(made)
    assert after.tokens[0].key_count == authority.key_count
    (host,) = after.hosts
    assert host.connected
    assert host.process_id == bank.processes("host")[0].pid


def test_the_audit_is_listed_by_resource_and_kind(auditing: Client, issuing: Client) -> None:
    """Filters combine, pages follow without gap or double, each event is whole."""
    made = [_issue(issuing) for _ in range(3)]
    issuing.revoke_certificate(made[0].name, "KEY_COMPROMISE")
    everything = list(auditing.list_audit_events(page_size=1000))
    assert [event.position for event in everything] == sorted(
        {event.position for event in everything}
    )
    for size in (1, 2, 7):
        # The keeper may have put something on record meanwhile.
        paged = auditing.list_audit_events(page_size=size)
        assert list(islice(paged, len(everything))) == everything
    of_one = list(auditing.list_audit_events(resource=made[0].name, page_size=1))
    assert [event.kind for event in of_one] == ["certificate.issued", "certificate.revoked"]
    assert of_one == [event for event in everything if event.resource == made[0].name]
    revoked = list(auditing.list_audit_events(resource=made[0].name, kind="certificate.revoked"))
    assert revoked == of_one[1:]
    assert list(auditing.list_audit_events(kind="certificate.%")) == []
    assert list(auditing.list_audit_events(resource="certificates/")) == []
    for event in of_one:
        assert event.principal == "uri:spiffe://signerd.local/client/ra-officer"
        assert _HASH.fullmatch(event.hash)
        uuid.UUID(event.request_id)
    assert "홍길동" not in str(everything)


def test_a_watch_follows_and_resumes(bank: PrivateDaemon, issuing: Client) -> None:
    """Live events come as they are stored; a position gives all that came after it, once."""
    first = _issue(issuing)
    seen: list[AuditEvent] = []
    begun = threading.Event()

    def follow() -> None:
        with Client(bank.target("auditor")) as watcher:
            latest = max(event.position for event in watcher.list_audit_events())
            events = watcher.watch_audit_events(after_position=latest, timeout_s=60)
            begun.set()
            # Processes that are still starting put that on record, too.
            issued = (event for event in events if event.kind == "certificate.issued")
            seen.extend(islice(issued, 3))

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(30)
    live = [_issue(issuing) for _ in range(3)]
    thread.join(60)
    assert [event.resource for event in seen] == [one.name for one in live]
    with Client(bank.target("auditor")) as watcher:
        again = watcher.watch_audit_events(after_position=seen[0].position, timeout_s=60)
        issued = (event for event in again if event.kind == "certificate.issued")
        assert list(islice(issued, 2)) == seen[1:]
        all_of_it = watcher.watch_audit_events(after_position=0, timeout_s=60)
        begin = [next(all_of_it) for _ in range(4)]
        assert begin == list(watcher.list_audit_events())[:4]
        assert first.name not in {event.resource for event in seen}


def test_health_names_the_services(auditing: Client) -> None:
    """As a whole and each service; what is no service is not found."""
    for service in (
        "",
        "signerd.v1.CertificateAuthority",
        "signerd.v1.Signing",
        "signerd.v1.Admin",
    ):
        assert auditing.health(service).serving
    with pytest.raises(NotFound):
        auditing.health("signerd.v1.Nothing")


def _buf(
    daemon: PrivateDaemon, identity: str, path: str, *more: str
) -> subprocess.CompletedProcess[str]:
    tls = daemon.directory / "tls"
    return subprocess.run(
        [
            *(str(_BUF), "curl", "--protocol", "grpc", "--reflect", *more),
            *("--cacert", str(tls / "ca.pem")),
            *("--cert", str(tls / "clients" / f"{identity}.pem")),
            *("--key", str(tls / "clients" / f"{identity}.key")),
            f"https://{daemon.address}{path}",
        ],
        env=os.environ | {"HOME": str(daemon.directory)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_reflection_lists_what_there_is(bank: PrivateDaemon) -> None:
    """A client without our schema learns services and methods."""
    services = _buf(bank, "auditor", "", "--list-services")
    assert services.stdout.split() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "signerd.v1.Activation",
        "signerd.v1.Admin",
        "signerd.v1.CertificateAuthority",
        "signerd.v1.DocumentSigning",
        "signerd.v1.Enrolment",
        "signerd.v1.Login",
        "signerd.v1.Signing",
        "signerd.v1.Timestamping",
    ], services.stderr
    methods = _buf(bank, "auditor", "", "--list-methods").stdout.split()
    assert {method for method in methods if method.startswith("signerd.v1.")} == {
        f"{service.full_name}/{method.name}"
        for file in _FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_another_client_issues_and_signs(bank: PrivateDaemon) -> None:
    """JSON in, JSON out: the whole way of a certificate without our client library."""
    request = {
        "subscriber": "subscribers/buf",
        "profile": "personal",
        "subject": {"commonName": "홍길동"},
        "keyAlgorithm": "KEY_ALGORITHM_ED25519",
        "requestId": str(uuid.uuid4()),
    }
    path = "/signerd.v1.CertificateAuthority/IssueCertificate"
    issued = _buf(bank, "ra-officer", path, "-d", json.dumps(request))
    assert issued.returncode == 0, issued.stderr
    certificate = json.loads(issued.stdout)["certificate"]
    assert "홍길동" in certificate["subject"]
    wish = json.dumps({"credential": certificate["credential"], "data": "b3JkZXI="})
    signed = _buf(bank, "signer", "/signerd.v1.Signing/Sign", "-d", wish)
    answer = json.loads(signed.stdout)
    assert answer["certificate"] == certificate["name"]
    proof = json.dumps(
        {
            "certificate": certificate["name"],
            "data": "b3JkZXI=",
            "signature": answer["signature"],
        }
    )
    verified = _buf(bank, "signer", "/signerd.v1.Signing/Verify", "-d", proof)
    assert json.loads(verified.stdout)["valid"] is True


def test_another_client_sees_the_reason_of_a_refusal(bank: PrivateDaemon) -> None:
    """Status, message and details arrive in a client that knows the standard types alone."""
    path = "/signerd.v1.CertificateAuthority/GetCertificate"
    refused = _buf(bank, "auditor", path, "-d", '{"name": "certificates/abcd"}')
    assert refused.returncode != 0
    error = json.loads(refused.stderr)
    assert error["code"] == "not_found"
    assert "abcd" in error["message"]
    assert [detail["type"] for detail in error["details"]] == ["google.rpc.ErrorInfo"]


def test_health_can_be_watched(bank: PrivateDaemon) -> None:
    """The state now, as the first message of a stream that stays open."""
    path = "/grpc.health.v1.Health/Watch"
    watched = _buf(bank, "auditor", path, "-d", "{}", "--timeout", "3s")
    assert json.loads(watched.stdout)["status"] == "SERVING"
