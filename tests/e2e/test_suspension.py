"""Suspend, resume and revoke against a running daemon, on every front."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from examples.private_daemon import PrivateDaemon
from signerd.v1 import certificate_authority_pb2 as pb
from signerd.v1 import types_pb2
from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    KeyAlgorithm,
    RevocationReason,
)
from signerd_client.error import AlreadyExists, FailedPrecondition, SignerdError
from tests.e2e.front_clients import front_clients
from tests.e2e.raw_call import RawCaller
from tests.e2e.stored import assert_nothing_stored, stored

_ROUNDS = 6


@pytest.fixture
def supervisor(daemon: PrivateDaemon) -> Iterator[Client]:
    """Resumes what officers suspend."""
    with Client(daemon.target("ra-supervisor")) as client:
        yield client


def _issue(officer: Client) -> Certificate:
    return officer.issue_certificate(
        f"held-{uuid.uuid4().hex[:12]}", "personal", "Hong", key_algorithm="EC_P256_SHA256"
    )


def _refusal(call: Callable[[], object]) -> str:
    with pytest.raises(FailedPrecondition) as refused:
        call()
    return refused.value.reason


def test_a_suspended_key_signs_on_no_front_until_it_is_resumed(
    daemon: PrivateDaemon, officer: Client, supervisor: Client, auditor: Client
) -> None:
    """Each front has the key in its memory, and each refuses it while it is on hold, signs again
    afterwards, and never once it is revoked. The audit has each act once."""
    issued = _issue(officer)
    key = issued.credential
    with front_clients(daemon, "signer") as fronts:
        for front in fronts:
            assert front.sign(key, data=b"1").certificate == issued.name
        held = officer.suspend_certificate(issued.name)
        assert held.state is CertificateState.SUSPENDED
        assert held.suspension is not None
        assert held.crl_number > 0
        assert (held.not_after_time, held.revocation) == (issued.not_after_time, None)
        for front in fronts:
            assert _refusal(lambda it=front: it.sign(key, data=b"2")) == "CREDENTIAL_SUSPENDED"  # type: ignore[misc] # mypy cannot infer it
            assert front.get_public_key(key).certificate == issued.name
        assert supervisor.get_certificate(issued.name) == held
        resumed = supervisor.resume_certificate(issued.name)
        assert (resumed.state, resumed.suspension) == (CertificateState.ACTIVE, None)
        assert resumed.not_after_time == issued.not_after_time
        for front in fronts:
            assert front.sign(key, data=b"3").certificate == issued.name
        officer.suspend_certificate(issued.name)
        revoked = officer.revoke_certificate(issued.name, RevocationReason.KEY_COMPROMISE)
        assert (revoked.state, revoked.suspension) == (CertificateState.REVOKED, None)
        for front in fronts:
            assert _refusal(lambda it=front: it.sign(key, data=b"4")) == "CREDENTIAL_RETIRED"  # type: ignore[misc] # mypy cannot infer it
    kinds = [event.kind for event in auditor.list_audit_events(resource=issued.name)]
    acts = ("issued", "suspended", "resumed", "suspended", "revoked")
    assert kinds == [f"certificate.{act}" for act in acts]


def test_what_is_on_hold_is_listed_as_such(officer: Client) -> None:
    """SUSPENDED is a state of its own in listings."""
    issued = _issue(officer)
    officer.suspend_certificate(issued.name)

    def names(state: CertificateState) -> list[str]:
        listed = officer.list_certificates(subscriber=issued.subscriber, state=state)
        return [one.name for one in listed]

    assert names(CertificateState.SUSPENDED) == [issued.name]
    assert names(CertificateState.ACTIVE) == []


def test_acts_that_the_state_does_not_allow_are_refused_by_its_name(
    officer: Client, supervisor: Client
) -> None:
    """Each refusal names the state that is in the way, and a trial tells the same."""
    name = _issue(officer).name
    for trial in (True, False):
        call = _refusal(lambda it=trial: supervisor.resume_certificate(name, validate_only=it))  # type: ignore[misc] # mypy cannot infer it
        assert call == "CERTIFICATE_ACTIVE"
    officer.suspend_certificate(name)
    for act in (
        lambda: officer.suspend_certificate(name),
        lambda: officer.suspend_certificate(name, validate_only=True),
        lambda: officer.reissue_certificate(name),
        lambda: officer.reissue_certificate(name, validate_only=True),
    ):
        assert _refusal(act) == "CERTIFICATE_SUSPENDED"
    officer.revoke_certificate(name, RevocationReason.UNSPECIFIED)
    for act in (
        lambda: officer.suspend_certificate(name),
        lambda: supervisor.resume_certificate(name),
        lambda: officer.revoke_certificate(name, RevocationReason.UNSPECIFIED),
    ):
        assert _refusal(act) == "CERTIFICATE_REVOKED"


def test_a_trial_changes_nothing(
    daemon: PrivateDaemon, officer: Client, supervisor: Client
) -> None:
    """validate_only answers with the certificate as it stands."""
    issued = _issue(officer)
    before = stored(daemon)
    assert officer.suspend_certificate(issued.name, validate_only=True) == issued
    assert_nothing_stored(daemon, before)
    held = officer.suspend_certificate(issued.name)
    before = stored(daemon)
    assert supervisor.resume_certificate(issued.name, validate_only=True) == held
    assert_nothing_stored(daemon, before)


def test_the_same_request_suspends_once(officer: Client, supervisor: Client) -> None:
    """A retry is answered with the certificate as it stands, and does not suspend it anew; the id
    with other content is refused."""
    issued, other = _issue(officer), _issue(officer)
    request_id = str(uuid.uuid4())
    held = officer.suspend_certificate(issued.name, request_id=request_id)
    assert officer.suspend_certificate(issued.name, request_id=request_id) == held
    supervisor.resume_certificate(issued.name)
    again = officer.suspend_certificate(issued.name, request_id=request_id)
    assert again.state is CertificateState.ACTIVE
    with pytest.raises(AlreadyExists):
        officer.suspend_certificate(other.name, request_id=request_id)


def test_hold_is_no_reason_to_revoke(officer: Client, raw_officer: RawCaller) -> None:
    """Revocation is for good; who asks for a hold is told what to call."""
    issued = _issue(officer)
    refusal = raw_officer.refused(
        "/signerd.v1.CertificateAuthority/RevokeCertificate",
        pb.RevokeCertificateRequest(
            certificate=issued.name,
            reason=types_pb2.REVOCATION_REASON_CERTIFICATE_HOLD,
            request_id=str(uuid.uuid4()),
        ),
    )
    assert (refusal.reason, refusal.fields) == ("HOLD_IS_SUSPENSION", ("reason",))
    assert "SuspendCertificate" in refusal.message
    assert officer.get_certificate(issued.name).state is CertificateState.ACTIVE


def test_who_lost_a_certificate_gets_another_for_it(officer: Client, signer: Client) -> None:
    """A certificate that was revoked is reissued once, with the old expiry; it stays revoked since
    then and for the reason it was."""
    old = _issue(officer)
    revoked = officer.revoke_certificate(old.name, RevocationReason.KEY_COMPROMISE)
    request_id = str(uuid.uuid4())
    done = officer.reissue_certificate(old.name, request_id=request_id)
    assert done.certificate.not_after_time == old.not_after_time
    assert done.certificate.replaces == old.name
    assert done.replaced.revocation == revoked.revocation
    assert done.replaced.crl_number == revoked.crl_number
    assert officer.reissue_certificate(old.name, request_id=request_id) == done
    assert _refusal(lambda: officer.reissue_certificate(old.name)) == "CERTIFICATE_REPLACED"
    assert signer.sign(done.certificate.credential, data=b"1").key_algorithm is (
        KeyAlgorithm.EC_P256_SHA256
    )
    assert _refusal(lambda: signer.sign(old.credential, data=b"1")) == "CREDENTIAL_RETIRED"


Act = Callable[[Client, str], object]


def _suspend(officer: Client, name: str) -> object:
    return officer.suspend_certificate(name)


def _reissue(officer: Client, name: str) -> object:
    return officer.reissue_certificate(name)


def _revoke(officer: Client, name: str) -> object:
    return officer.revoke_certificate(name, RevocationReason.KEY_COMPROMISE)


@pytest.mark.parametrize(
    ("first", "second", "reasons"),
    [
        (_suspend, _suspend, {"CERTIFICATE_SUSPENDED"}),
        (_revoke, _revoke, {"CERTIFICATE_REVOKED"}),
        (_reissue, _reissue, {"REISSUE_IN_PROGRESS", "CERTIFICATE_REPLACED"}),
        (_suspend, _reissue, {"CERTIFICATE_SUSPENDED", "CERTIFICATE_REPLACED"}),
    ],
)
def test_of_two_officers_at_the_same_moment_one_wins(
    daemon: PrivateDaemon, officer: Client, first: Act, second: Act, reasons: set[str]
) -> None:
    """Two calls on one certificate, each by a connection of its own: one is done, the other is
    told what stands in its way, and the certificate is in the state of the one that was done."""
    start = Barrier(2)

    def call(client: Client, act: Act, name: str) -> str:
        start.wait(timeout=60)
        try:
            act(client, name)
        except SignerdError as error:
            return error.reason
        return ""

    with Client(daemon.target("ra-officer")) as other, ThreadPoolExecutor(2) as threads:
        for _ in range(_ROUNDS):
            issued = _issue(officer)
            calls = [
                threads.submit(call, client, act, issued.name)
                for client, act in ((officer, first), (other, second))
            ]
            outcomes = [done.result() for done in calls]
            assert outcomes.count("") == 1, outcomes
            assert set(outcomes) - {""} <= reasons
            winner = (first, second)[outcomes.index("")]
            state = officer.get_certificate(issued.name).state
            assert state is (
                CertificateState.SUSPENDED if winner is _suspend else CertificateState.REVOKED
            )
            made = [
                one
                for one in officer.list_certificates(subscriber=issued.subscriber)
                if one.name != issued.name
            ]
            assert len(made) == (winner is _reissue)
