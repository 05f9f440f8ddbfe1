"""Once Reissue, Suspend or Revoke has answered, no front and no host signs with the old key."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm, RevocationReason, SignerdError
from tests.faults.judgement import judge_audit

pytestmark = pytest.mark.long

_FRESH_CONNECTIONS: Final = 1000
_THREADS: Final = 8
_SIGNERS: Final = 12
_WARM_UP_S: Final = 1.5

End = Callable[[Client, Certificate], object]


def _reissue(officer: Client, certificate: Certificate) -> object:
    return officer.reissue_certificate(certificate.name)


def _revoke(officer: Client, certificate: Certificate) -> object:
    return officer.revoke_certificate(certificate.name, RevocationReason.KEY_COMPROMISE)


def _suspend(officer: Client, certificate: Certificate) -> object:
    return officer.suspend_certificate(certificate.name)


# How each is refused afterwards, and how the audit calls it.
_ENDS: Final = [
    (_reissue, "CREDENTIAL_RETIRED", "certificate.revoked"),
    (_revoke, "CREDENTIAL_RETIRED", "certificate.revoked"),
    (_suspend, "CREDENTIAL_SUSPENDED", "certificate.suspended"),
]


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """Four fronts, four token hosts."""
    with private_daemon(DaemonSize(fronts=4, hosts=4)) as running:
        yield running


@dataclass(slots=True)
class Calls:
    """Sign calls by when they began (time.monotonic()) and how they ended, "" for a signature."""

    ended: list[tuple[float, str]] = field(default_factory=list)
    processes: set[str] = field(default_factory=set)


def _issue(officer: Client) -> Certificate:
    return officer.issue_certificate(
        f"revoked-{uuid.uuid4().hex[:12]}",
        "tls-client",
        "Soon Revoked",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
    )


def _sign(signer: Client, credential: str, calls: Calls) -> None:
    began = time.monotonic()
    try:
        signer.sign(credential, data=b"order")
    except SignerdError as error:
        calls.ended.append((began, error.reason))
    else:
        calls.ended.append((began, ""))


@pytest.mark.parametrize(("end", "refusal", "_kind"), _ENDS)
def test_a_thousand_fresh_connections_are_refused(
    daemon: PrivateDaemon, end: End, refusal: str, _kind: str
) -> None:
    """Each of 1,000 Sign calls, on as many new connections over all fronts, is refused because the
    key was retired or is on hold. Before, every front signed with it, so that each had it in its
    memory."""
    calls = Calls()
    with Client(daemon.target("ra-officer")) as officer:
        old = _issue(officer)
        target = daemon.target("signer")
        fronts = {process.name for process in daemon.processes("front")}
        while calls.processes != fronts:
            with Client(target) as signer:
                signer.sign(old.credential, data=b"before")
                calls.processes.add(signer.server_info().process)
        end(officer, old)

    def once(_: int) -> None:
        with Client(target) as signer:
            _sign(signer, old.credential, calls)

    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(once, range(_FRESH_CONNECTIONS)))
    reasons = [reason for _, reason in calls.ended]
    assert reasons == [refusal] * _FRESH_CONNECTIONS


@pytest.mark.parametrize(("end", "refusal", "kind"), _ENDS)
def test_signers_that_are_at_work_are_cut_off(
    daemon: PrivateDaemon, end: End, refusal: str, kind: str
) -> None:
    """Of calls that never pause, none that began after the answer got a signature, and no
    signature is on record behind the revocation or suspension."""
    with Client(daemon.target("ra-officer")) as officer:
        old = _issue(officer)
        calls, stop = Calls(), threading.Event()

        def keep_signing(_: int) -> None:
            with Client(daemon.target("signer")) as signer:
                while not stop.is_set():
                    _sign(signer, old.credential, calls)

        with ThreadPoolExecutor(_SIGNERS) as threads:
            running = threads.map(keep_signing, range(_SIGNERS))
            time.sleep(_WARM_UP_S)
            end(officer, old)
            answered = time.monotonic()
            time.sleep(_WARM_UP_S)
            stop.set()
            list(running)
    before = [reason for began, reason in calls.ended if began < answered]
    after = [reason for began, reason in calls.ended if began > answered]
    assert before.count("") > _SIGNERS
    assert len(after) > _SIGNERS
    assert set(after) == {refusal}
    assert set(before) <= {"", refusal}
    _judge_record(daemon, old, kind, signed=before.count(""))


def _judge_record(daemon: PrivateDaemon, old: Certificate, kind: str, *, signed: int) -> None:
    with Client(daemon.target("auditor")) as auditor:
        (ended,) = (
            event.position
            for event in auditor.list_audit_events(resource=old.name)
            if event.kind == kind
        )
        signatures = [
            event.position
            for event in auditor.list_audit_events(resource=old.credential, page_size=1000)
            if event.kind == "signature.created"
        ]
    assert len(signatures) >= signed
    assert max(signatures) < ended
    judge_audit(daemon)
