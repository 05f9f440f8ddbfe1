"""The stock of certificates, counted and followed in a running daemon."""

import json
import threading
import uuid
from collections import Counter
from itertools import islice

import pytest
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerctl.exit_code import ExitCode
from signerd.v1 import certificate_authority_pb2 as pb
from signerd_client import Certificate, CertificateState, Client, KeyAlgorithm
from signerd_client.inventory import CertificateChange
from tests.e2e.raw_call import RawCaller
from tests.e2e.signerctl import signerctl

_WATCH = "/signerd.v1.CertificateAuthority/WatchCertificates"
Groups = Counter[tuple[str, str, str]]


def _issue(officer: Client, subscriber: str, branch: str = "") -> Certificate:
    return officer.issue_certificate(
        subscriber, "personal", "홍길동", key_algorithm=KeyAlgorithm.EC_P256_SHA256, branch=branch
    )


def _count(client: Client) -> Groups:
    groups = Groups()
    for one in client.count_certificates():
        groups[one.state, one.branch, one.expire_month] += one.count
    return groups


def test_each_change_changes_the_counts(officer: Client, auditor: Client) -> None:
    """Issued, suspended, revoked and reissued certificates are counted where they stand, with the
    branch they were issued for and the month in which they expire; all that are listed are
    counted."""
    before = _count(auditor)
    first, second = (_issue(officer, f"count-{n}", "071") for n in range(2))
    month = f"{first.not_after_time:%Y-%m}"
    assert _count(auditor) - before == Groups({("ACTIVE", "071", month): 2})
    officer.suspend_certificate(first.name)
    officer.reissue_certificate(second.name)
    assert _count(auditor) - before == Groups(
        {
            ("SUSPENDED", "071", month): 1,
            ("ACTIVE", "071", month): 1,
            ("REVOKED", "071", month): 1,
        }
    )
    listed = Counter(str(one.state) for one in auditor.list_certificates(page_size=1000))
    counted = Counter[str]()
    for (state, _, _), count in _count(auditor).items():
        counted[state] += count
    assert counted == listed


def test_counts_keep_to_a_window(officer: Client, auditor: Client) -> None:
    """Half open, as the listing has it."""
    end = _issue(officer, "count-window").not_after_time
    inside = auditor.count_certificates(expire_time_from=end)
    outside = auditor.count_certificates(expire_time_before=end)
    in_all = sum(one.count for one in auditor.count_certificates())
    assert sum(one.count for one in (*inside, *outside)) == in_all
    assert sum(one.count for one in inside) == len(
        list(auditor.list_certificates(expire_time_from=end, page_size=1000))
    )


def test_a_watch_begins_now(daemon: PrivateDaemon, officer: Client) -> None:
    """For one subscriber: what was before and what happens to others is not told."""
    subscriber = f"watch-{uuid.uuid4().hex[:8]}"
    _issue(officer, subscriber)
    seen: list[CertificateChange] = []

    def follow() -> None:
        with Client(daemon.target("auditor")) as watcher:
            watch = watcher.watch_certificates(subscriber=subscriber, timeout_s=120)
            seen.append(next(watch))

    thread = threading.Thread(target=follow)
    thread.start()
    # Only what it tells shows that the stream has begun.
    later = []
    while thread.is_alive():
        _issue(officer, "watch-other")
        later.append(_issue(officer, subscriber).name)
        thread.join(0.2)
    assert seen[0].certificate.name in later
    assert seen[0].kind == "certificate.issued"


def test_a_watch_can_be_begun_anywhere(officer: Client, auditor: Client) -> None:
    """After any position come the changes after it, the same as in the audit, each with the state
    that its certificate has by now."""
    subscriber = f"watch-{uuid.uuid4().hex[:8]}"
    old = _issue(officer, subscriber)
    new = officer.reissue_certificate(old.name).certificate
    officer.suspend_certificate(new.name)
    expected = [
        ("certificate.issued", old.name, CertificateState.REVOKED),
        ("certificate.revoked", old.name, CertificateState.REVOKED),
        ("certificate.reissued", new.name, CertificateState.SUSPENDED),
        ("certificate.suspended", new.name, CertificateState.SUSPENDED),
    ]

    def after(position: int, count: int) -> list[CertificateChange]:
        watch = auditor.watch_certificates(
            subscriber=subscriber, after_position=position, timeout_s=60
        )
        return list(islice(watch, count))

    seen = after(0, 4)
    assert [(one.kind, one.certificate.name, one.certificate.state) for one in seen] == expected
    assert after(seen[1].position, 2) == seen[2:]
    audited = {event.position: event for event in auditor.list_audit_events(page_size=1000)}
    for one in seen:
        event = audited[one.position]
        assert (event.kind, event.resource, event.event_time) == (
            one.kind,
            one.certificate.name,
            one.event_time,
        )


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.WatchCertificatesRequest(after_position=-2), "after_position"),
        (pb.WatchCertificatesRequest(subscriber="hong"), "subscriber"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(
    request_: pb.WatchCertificatesRequest, field: str, raw_officer: RawCaller
) -> None:
    """Not begun and left silent."""
    stream = raw_officer.channel.unary_stream(_WATCH, None, None)
    payload = request_.SerializeToString()
    refusal = raw_officer.refusal(lambda: list(stream(payload, timeout=60)))
    assert (refusal.code, refusal.fields) == (StatusCode.INVALID_ARGUMENT, (field,))


def test_signerctl_shows_the_stock(daemon: PrivateDaemon, officer: Client, auditor: Client) -> None:
    """The command and the daemon together: counts by branch with those issued from the command
    line, what expires within the year, and the changes of one subscriber."""
    subscriber = f"stock-{uuid.uuid4().hex[:8]}"
    issue = ("certificate", "issue", "--profile", "personal", "--algorithm", "EC_P256_SHA256")
    made = signerctl(
        daemon,
        "ra-officer",
        *(*issue, "--subscriber", subscriber, "--name", "홍길동", "--branch", "088", "-o", "json"),
    )
    assert made.returncode == ExitCode.OK, made.stderr
    name = json.loads(made.stdout)["name"]
    officer.suspend_certificate(name)
    by_branch = signerctl(
        daemon, "auditor", "certificate", "inventory", "--by", "branch", "-o", "json"
    )
    groups = {one["name"]: one["count"] for one in json.loads(by_branch.stdout)["groups"]}
    counted = Counter[str]()
    for one in auditor.count_certificates():
        counted[one.branch] += one.count
    assert groups == counted
    assert groups["088"] >= 1
    soon = signerctl(daemon, "auditor", "certificate", "expiring", "--within", "53w")
    assert any(name in line and line.endswith("SUSPENDED") for line in soon.stdout.splitlines())
    watch = ("certificate", "watch", "--after", "0", "--limit", "2", "--subscriber", subscriber)
    lines = signerctl(daemon, "auditor", *watch).stdout.splitlines()
    assert [line.split()[3] for line in lines] == ["certificate.issued", "certificate.suspended"]
    assert all(line.endswith("SUSPENDED") for line in lines)
