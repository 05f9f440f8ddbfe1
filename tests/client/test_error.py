"""Refusals of the daemon become typed errors."""

import grpc
import pytest

from signerd_client import AsyncClient, Client, Target
from signerd_client.error import (
    Aborted,
    AlreadyExists,
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    SignerdError,
    Unauthenticated,
    Unimplemented,
)
from tests.client.scripted_daemon import Context, ScriptedDaemon, refuse

FAMILIES: list[tuple[grpc.StatusCode, type[SignerdError]]] = [
    (grpc.StatusCode.INVALID_ARGUMENT, InvalidRequest),
    (grpc.StatusCode.OUT_OF_RANGE, InvalidRequest),
    (grpc.StatusCode.UNAUTHENTICATED, Unauthenticated),
    (grpc.StatusCode.PERMISSION_DENIED, PermissionDenied),
    (grpc.StatusCode.NOT_FOUND, NotFound),
    (grpc.StatusCode.ALREADY_EXISTS, AlreadyExists),
    (grpc.StatusCode.ABORTED, Aborted),
    (grpc.StatusCode.FAILED_PRECONDITION, FailedPrecondition),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, ResourceExhausted),
    (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
    (grpc.StatusCode.UNIMPLEMENTED, Unimplemented),
    (grpc.StatusCode.CANCELLED, Cancelled),
    (grpc.StatusCode.INTERNAL, Internal),
    (grpc.StatusCode.UNKNOWN, Internal),
    (grpc.StatusCode.DATA_LOSS, Internal),
]


@pytest.mark.parametrize(("code", "family"), FAMILIES, ids=str)
def test_each_status_has_its_family(
    daemon: ScriptedDaemon, client: Client, code: grpc.StatusCode, family: type[SignerdError]
) -> None:
    """The family follows from the status code; nothing is tried a second time."""
    daemon.script.next_calls("Sign", refuse(code, "it is so", reason="A_REASON"))
    with pytest.raises(SignerdError) as caught:
        client.sign("c", data=b"x")
    assert type(caught.value) is family
    assert caught.value.reason == "A_REASON"
    assert "it is so" in str(caught.value) or family is DeadlineExceeded
    assert caught.value.advice
    assert len(daemon.script.requests["Sign"]) == 1


def test_every_status_but_success_is_covered() -> None:
    """No status code of gRPC is forgotten; UNAVAILABLE is retried and has tests of its own."""
    covered = {code for code, _ in FAMILIES}
    assert covered | {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE} == set(grpc.StatusCode)


def test_details_are_read(daemon: ScriptedDaemon, client: Client) -> None:
    """Reason, field violations and request id come from the details of google.rpc.Status."""
    daemon.script.next_calls(
        "IssueCertificate",
        refuse(
            grpc.StatusCode.INVALID_ARGUMENT,
            "common_name: 이름 is too long",
            reason="INVALID_REQUEST",
            field="subject.common_name",
            request_id="daemon-1",
        ),
    )
    with pytest.raises(InvalidRequest) as caught:
        client.issue_certificate("h", "p", "이름", key_algorithm="ED25519")
    assert caught.value.message == "common_name: 이름 is too long"
    assert caught.value.field_violations == (
        FieldViolation("subject.common_name", "common_name: 이름 is too long"),
    )
    assert caught.value.request_id == "daemon-1"


async def test_asynchronous_errors_are_the_same(daemon: ScriptedDaemon, target: Target) -> None:
    """A refusal reads the same through asyncio."""
    daemon.script.next_calls(
        "Sign", refuse(grpc.StatusCode.FAILED_PRECONDITION, "retired", reason="CREDENTIAL_RETIRED")
    )
    async with AsyncClient(target) as client:
        with pytest.raises(FailedPrecondition) as caught:
            await client.sign("c", data=b"x")
    assert caught.value.reason == "CREDENTIAL_RETIRED"
    assert "never signs again" in caught.value.advice


def test_a_change_that_failed_names_the_request_id_to_repeat_it_with(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """When the daemon names no request id, the one that the client chose is in the error."""
    daemon.script.next_calls("RevokeCertificate", refuse(grpc.StatusCode.INTERNAL, "internal"))
    with pytest.raises(Internal) as caught:
        client.revoke_certificate("4f", "SUPERSEDED")
    assert caught.value.request_id == daemon.script.requests["RevokeCertificate"][0].request_id


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b""])
def test_details_that_make_no_sense_do_not_hide_the_status(
    daemon: ScriptedDaemon, client: Client, garbage: bytes
) -> None:
    """Malformed details are left aside; code and text of the status remain."""

    def behave(context: Context, _answer: object) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", garbage),))
        context.abort(grpc.StatusCode.NOT_FOUND, "no such certificate")

    daemon.script.next_calls("GetCertificate", behave)
    with pytest.raises(NotFound, match="no such certificate"):
        client.get_certificate("4f")


def test_the_deadline_is_kept_and_told(daemon: ScriptedDaemon, client: Client) -> None:
    """A daemon that does not answer costs no more than the deadline of the call."""
    daemon.script.next_calls("GetServerInfo", daemon.script.hang)
    with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.3 s") as caught:
        client.server_info(timeout_s=0.3)
    assert "same request id" in caught.value.advice


def test_the_daemon_learns_the_request_id_of_every_call(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """The header x-request-id is that of the change, and another one for each call without."""
    seen: list[str] = []

    def note(context: Context, _answer: object) -> None:
        seen.extend(
            str(value) for key, value in context.invocation_metadata() if key == "x-request-id"
        )

    daemon.script.next_calls("RevokeCertificate", note)
    daemon.script.next_calls("Sign", note, note)
    client.revoke_certificate("4f", "SUPERSEDED", request_id="6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de")
    client.sign("c", data=b"x")
    client.sign("c", data=b"x")
    assert seen[0] == "6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de"
    assert len(set(seen)) == 3


def test_a_request_id_that_is_no_header_is_left_to_the_daemon_to_refuse(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """A strange id is sent in the request, where the daemon judges it."""
    client.revoke_certificate("4f", "SUPERSEDED", request_id="요청\n1")
    assert daemon.script.requests["RevokeCertificate"][0].request_id == "요청\n1"
