"""Enrolments in the client library: what is sent, what comes back, what is never shown."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import grpc
import pytest

from signerd.v1 import enrolment_pb2 as wire
from signerd_client import (
    BiometricProof,
    Client,
    CodeProof,
    DocumentKind,
    DocumentProof,
    EnrolmentPurpose,
    EnrolmentState,
    Factor,
    PasswordProof,
    biometric_statement,
    enrolment_call,
    evidence_call,
)
from signerd_client.error import ResourceExhausted
from tests.client.scripted_daemon import ScriptedDaemon, refuse
from tests.client.scripted_enrolment import (
    AUTHORISATION_CODE,
    REFERENCE_NUMBER,
    SUPPORT_REFERENCE,
)

_LICENCE = "11-22-345678-60"
_PASSWORD = "vague trombone 41 harbour"  # noqa: S105 - of nobody
_ISSUED = date(2020, 5, 6)
_DOCUMENT = DocumentProof(DocumentKind.DRIVERS_LICENCE, _LICENCE, _ISSUED)


def test_an_application_is_plain_values(daemon: ScriptedDaemon, client: Client) -> None:
    """What is needed and what is missing, times in UTC; the request has what was given."""
    opened = client.open_enrolment(
        "hong-gildong",
        EnrolmentPurpose.ISSUE,
        profile="personal",
        key_algorithm="EC_P256_SHA256",
        key_group="vip",
    )
    (request,) = daemon.script.requests["OpenEnrolment"]
    assert (request.subscriber, request.profile) == ("subscribers/hong-gildong", "personal")
    assert request.purpose == wire.ENROLMENT_PURPOSE_ISSUE
    assert (request.key_group, request.certificate) == ("vip", "")
    assert opened.state is EnrolmentState.OPEN
    assert [group.any_of for group in opened.missing] == [(Factor.PHONE_CODE, Factor.EMAIL_CODE)]
    assert opened.support_reference == SUPPORT_REFERENCE
    assert opened.expire_time - opened.open_time == timedelta(days=1)
    assert opened.lock_release_time == opened.expire_time


@pytest.mark.parametrize(
    ("purpose", "given"),
    [
        ("ISSUE", {"profile": "personal"}),
        ("ISSUE", {"key_algorithm": "ED25519"}),
        ("ISSUE", {"profile": "p", "key_algorithm": "ED25519", "certificate": "4f"}),
        ("REISSUE", {}),
        ("LOSS_REPORT", {"profile": "p", "key_algorithm": "ED25519", "certificate": "4f"}),
    ],
)
def test_an_application_that_makes_no_sense_is_not_sent(
    daemon: ScriptedDaemon, client: Client, purpose: str, given: dict[str, Any]
) -> None:
    """The error says what belongs to which purpose."""
    with pytest.raises(ValueError, match="certificate for REISSUE and LOSS_REPORT"):
        client.open_enrolment("hong", purpose, **given)
    assert not daemon.script.requests


@pytest.mark.parametrize(
    ("proof", "read"),
    [
        (
            _DOCUMENT,
            lambda sent: (
                (sent.document.kind, sent.document.number, sent.document.issue_date)
                == (wire.DOCUMENT_KIND_DRIVERS_LICENCE, _LICENCE, "2020-05-06")
            ),
        ),
        (PasswordProof(_PASSWORD), lambda sent: sent.password == _PASSWORD),
        (
            CodeProof(Factor.EMAIL_CODE, "042917"),
            lambda sent: (sent.code.factor, sent.code.code) == (wire.FACTOR_EMAIL_CODE, "042917"),
        ),
        (
            BiometricProof("statement", b"signature"),
            lambda sent: (
                (sent.biometric.statement, sent.biometric.signature) == ("statement", b"signature")
            ),
        ),
    ],
)
def test_each_proof_arrives_in_its_field(
    daemon: ScriptedDaemon, client: Client, proof: Any, read: Callable[[Any], bool]
) -> None:
    """And nothing else of the union is set."""
    client.prove_identity("6a9f60a1", proof)
    (request,) = daemon.script.requests["ProveIdentity"]
    assert request.enrolment == "enrolments/6a9f60a1"
    assert read(request)


def test_the_last_proof_brings_what_gets_the_certificate(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """Both are sent with the claim; what was replaced comes with the certificate."""
    made = client.prove_identity("6a", _DOCUMENT).authorisation
    assert made is not None
    claimed = client.claim_certificate(made.reference_number, made.authorisation_code)
    (request,) = daemon.script.requests["ClaimCertificate"]
    assert (request.reference_number, request.authorisation_code) == (
        REFERENCE_NUMBER,
        AUTHORISATION_CODE,
    )
    assert claimed.replaced is not None
    assert claimed.replaced.revocation is not None
    daemon.script.next_calls("ProveIdentity", lambda _, answer: answer.ClearField("authorisation"))
    assert client.prove_identity("6a", _DOCUMENT).authorisation is None


def test_no_secret_is_in_a_repr(client: Client) -> None:
    """Whatever the application logs: calls, proofs, answers."""
    proven = client.prove_identity("6a", _DOCUMENT)
    shown = [
        proven,
        _DOCUMENT,
        PasswordProof(_PASSWORD),
        CodeProof(Factor.PHONE_CODE, "042917"),
        enrolment_call.prove_identity("6a", PasswordProof(_PASSWORD)),
        enrolment_call.claim_certificate(REFERENCE_NUMBER, AUTHORISATION_CODE),
        evidence_call.set_password("hong", _PASSWORD, current_password=_PASSWORD),
    ]
    secrets = (_LICENCE, "2020", _PASSWORD, "042917", AUTHORISATION_CODE)
    assert not [secret for secret in secrets if secret in repr(shown)]


def test_an_enrolment_is_found_by_name_and_by_what_the_customer_quotes(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """The form tells which it is; the story has its steps in order."""
    story = client.get_enrolment(f" {SUPPORT_REFERENCE.lower()}\n")
    client.get_enrolment("6a9f60a1")
    client.get_enrolment("enrolments/6a9f60a1")
    by = [(one.support_reference, one.name) for one in daemon.script.requests["GetEnrolment"]]
    assert by == [
        (SUPPORT_REFERENCE.lower(), ""),
        ("", "enrolments/6a9f60a1"),
        ("", "enrolments/6a9f60a1"),
    ]
    assert [event.kind for event in story.events] == ["opened", "proof_refused"]
    assert story.events[1].details == {"factor": "PHONE_CODE", "reason": "CODE_WRONG"}


def test_a_refusal_has_the_support_reference(daemon: ScriptedDaemon, client: Client) -> None:
    """Beside the time to wait; empty where no enrolment is concerned."""
    daemon.script.next_calls(
        "ProveIdentity",
        refuse(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "the one-time code failed 5 times in a row and is locked until 10:00:00 UTC",
            reason="LOCKED_OUT",
            retry_after_s=600,
            metadata={"support_reference": SUPPORT_REFERENCE, "release_time": "10:00:00Z"},
        ),
    )
    with pytest.raises(ResourceExhausted) as locked:
        client.prove_identity("6a", _DOCUMENT)
    assert locked.value.support_reference == SUPPORT_REFERENCE
    assert locked.value.info.metadata["release_time"] == "10:00:00Z"
    daemon.script.next_calls("Sign", refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many"))
    with pytest.raises(ResourceExhausted) as other:
        client.sign("c", data=b"order")
    assert other.value.support_reference == ""


def test_a_biometric_statement_is_in_utc() -> None:
    """One line of ASCII in the form that the API asks for, whatever the zone of the app."""
    seoul = timezone(timedelta(hours=9))
    said = biometric_statement("6a", "hong", datetime(2026, 3, 1, 18, 30, tzinfo=seoul))
    assert said == biometric_statement("6a", "hong", datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    assert said == (
        "signerd.v1 biometric proof for enrolments/6a of subscribers/hong at 2026-03-01T09:30:00Z"
    )
