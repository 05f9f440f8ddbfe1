"""A clock set ahead: expiry and the end of suspensions are seen to happen, and setting it back
leaves nothing behind that keeps the daemon from its work."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.boot import ExitCode
from signerd.core.fault import FaultPoint
from signerd_client import Certificate, CertificateState, Client, RevocationReason
from signerd_client.error import FailedPrecondition
from tests.e2e.state import signerd
from tests.e2e.waiting import wait_until

# Past six months, and past the 90 days of tls-client.
_AHEAD = "190d"
_HELD = 3


@dataclass(frozen=True, slots=True)
class Story:
    """What was put on hold before the clock was set ahead: for a year's certificate the limit is
    six months, for a shorter one its own expiry. lapsed: a short one that was never on hold."""

    daemon: PrivateDaemon
    held: list[Certificate]
    resumed: Certificate
    expiring: Certificate
    lapsed: Certificate


def _issue(officer: Client, profile: str) -> Certificate:
    return officer.issue_certificate(
        f"clock-{uuid.uuid4().hex[:12]}", profile, "Hong", key_algorithm="EC_P256_SHA256"
    )


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The daemon was killed without a word, starts again 190 days later, and its keeper dies on
    the first suspension that it ends."""
    settings = {"test.allow_clock_offset": "true", "test.fault_directory": '"faults"'}
    with private_daemon(DaemonSize(fronts=1, hosts=1), settings) as running:
        with Client(running.target("ra-officer")) as officer:
            held = [_issue(officer, "personal") for _ in range(_HELD)]
            resumed, expiring = _issue(officer, "personal"), _issue(officer, "tls-client")
            lapsed = _issue(officer, "tls-client")
            held = [officer.suspend_certificate(it.name) for it in held]
            officer.suspend_certificate(resumed.name)
            expiring = officer.suspend_certificate(expiring.name)
        with Client(running.target("ra-supervisor")) as supervisor:
            supervisor.resume_certificate(resumed.name)
        running.kill()
        order = running.directory / "faults" / FaultPoint.STORE_CHANGE_UNCOMMITTED.value
        order.parent.mkdir(exist_ok=True)
        order.write_text("kill")
        running.start("--clock-offset", _AHEAD)
        story = Story(running, held, resumed, expiring, lapsed)
        with Client(running.target("ra-officer")) as officer:
            wait_until(
                lambda: all(
                    officer.get_certificate(it.name).state is CertificateState.REVOKED
                    for it in held
                ),
                "every suspension has ended",
            )
        assert not order.exists()
        yield story


def _refusal(client: Client, certificate: Certificate) -> str:
    with pytest.raises(FailedPrecondition) as refused:
        client.resume_certificate(certificate.name)
    return refused.value.reason


def test_a_suspension_ends_in_revocation(story: Story) -> None:
    """After six months the keeper revokes, once each though it died on the way; nobody resumes the
    certificate any more, and its key is destroyed."""
    with (
        Client(story.daemon.target("ra-supervisor")) as supervisor,
        Client(story.daemon.target("auditor")) as auditor,
    ):
        for it in story.held:
            assert it.suspension is not None
            assert f"{it.suspension.limit_time:%H:%M:%S}" == "14:59:59"
            ended = supervisor.get_certificate(it.name)
            assert ended.revocation is not None
            assert ended.revocation.reason is RevocationReason.CESSATION_OF_OPERATION
            assert ended.revocation.revoke_time > it.suspension.limit_time
            assert _refusal(supervisor, it) == "CERTIFICATE_REVOKED"
            events = list(auditor.list_audit_events(resource=it.name))
            acts = ("issued", "suspended", "revoked")
            assert [event.kind for event in events] == [f"certificate.{act}" for act in acts]
            assert (events[-1].principal, events[-1].details["suspension"]) == (
                "local:keeper",
                "ended",
            )
        wait_until(
            lambda: (
                {event.resource for event in auditor.list_audit_events(kind="key.destroyed")}
                >= {it.credential for it in story.held}
            ),
            "their keys are destroyed",
        )


def test_what_was_resumed_in_time_goes_on(story: Story) -> None:
    """It is active, and its key signs."""
    with Client(story.daemon.target("signer")) as signer:
        assert signer.get_certificate(story.resumed.name).state is CertificateState.ACTIVE
        signer.sign(story.resumed.credential, data=b"1")


def test_no_key_signs_past_its_expiry(story: Story) -> None:
    """The refusal says since when; a key whose certificate goes on signs."""
    with Client(story.daemon.target("signer")) as signer:
        with pytest.raises(FailedPrecondition) as refused:
            signer.sign(story.lapsed.credential, data=b"order")
        assert refused.value.reason == "CERTIFICATE_EXPIRED"
        assert f"{story.lapsed.not_after_time:%Y-%m-%d %H:%M:%S} UTC" in str(refused.value)
        assert signer.sign(story.resumed.credential, data=b"order").signature


def test_what_expires_on_hold_has_expired(story: Story) -> None:
    """Its validity was not stretched: the limit was its expiry, and then nothing is left to
    resume, nor to revoke by itself."""
    assert story.expiring.suspension is not None
    assert story.expiring.suspension.limit_time == story.expiring.not_after_time
    with Client(story.daemon.target("ra-supervisor")) as supervisor:
        found = supervisor.get_certificate(story.expiring.name)
        assert (found.state, found.revocation, found.suspension) == (
            CertificateState.EXPIRED,
            None,
            None,
        )
        assert _refusal(supervisor, story.expiring) == "CERTIFICATE_EXPIRED"
    with (
        Client(story.daemon.target("signer")) as signer,
        pytest.raises(FailedPrecondition) as refused,
    ):
        signer.sign(story.expiring.credential, data=b"1")
    assert refused.value.reason == "CREDENTIAL_SUSPENDED"


@pytest.fixture
def set_back(story: Story) -> Iterator[PrivateDaemon]:
    """The daemon at the machine's time, for one test: the others, in whatever order, are about
    what happened meanwhile."""
    story.daemon.kill()
    story.daemon.start()
    yield story.daemon
    story.daemon.kill()
    story.daemon.start("--clock-offset", _AHEAD)


def test_a_clock_that_is_set_back_does_not_stop_the_keeper(set_back: PrivateDaemon) -> None:
    """Killed with a lease that ends in half a year, the daemon starts at the machine's time; a key
    that is retired then is destroyed as ever."""
    daemon = set_back
    with (
        Client(daemon.target("ra-officer")) as officer,
        Client(daemon.target("auditor")) as auditor,
    ):
        issued = _issue(officer, "tls-client")
        officer.revoke_certificate(issued.name, RevocationReason.UNSPECIFIED)
        wait_until(
            lambda: list(auditor.list_audit_events(resource=issued.credential)),
            "the keeper destroys a key",
        )


@pytest.mark.parametrize("offset", ["1d", "-1h"])
def test_a_daemon_that_is_no_test_keeps_the_time(state: Path, offset: str) -> None:
    """Without [test] allow_clock_offset it does not start: one line that says what to write."""
    done = signerd("serve", "--config", str(state / "signerd.toml"), f"--clock-offset={offset}")
    assert done.returncode == ExitCode.CONFIG_INVALID
    (line,) = done.stderr.splitlines()
    assert "allow_clock_offset = true in [test]" in line


def test_what_is_no_duration_is_a_wrong_usage(state: Path) -> None:
    """It is not taken for zero."""
    done = signerd("serve", "--config", str(state / "signerd.toml"), "--clock-offset", "soon")
    assert done.returncode == 2
    assert "is no duration" in done.stderr
