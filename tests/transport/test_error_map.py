"""What callers see of errors."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from signerd.core import error as errors
from signerd.core.error import InvalidRequest, LimitExceeded, SignerdError, TokenUnavailable
from signerd.transport.error_map import STATUS_CODES, internal_error, wire_error


def _families() -> list[type[SignerdError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, SignerdError) and value is not SignerdError
    ]


def _details(packed: bytes) -> dict[str, object]:
    status = status_pb2.Status.FromString(packed)
    found: dict[str, object] = {"message": status.message, "code": status.code}
    for detail in status.details:
        for kind in ("ErrorInfo", "BadRequest", "RetryInfo"):
            message = getattr(error_details_pb2, kind)()
            if detail.Unpack(message):
                found[kind] = message
    return found


@pytest.mark.parametrize("family", _families())
def test_every_family_has_a_status(family: type[SignerdError]) -> None:
    """Each family maps to a status code of its own table row, none falls through."""
    assert family in STATUS_CODES
    assert wire_error(family("message"), "r").code is STATUS_CODES[family]


def test_the_table_has_no_stale_row() -> None:
    """A row for a family that is gone would hide that nobody raises it."""
    assert set(STATUS_CODES) == set(_families())


def test_reason_and_request_id_reach_the_caller() -> None:
    """ErrorInfo carries the reason for programs and the id to quote."""
    wire = wire_error(InvalidRequest("no", reason="DIGEST_LENGTH", field="digest"), "id-1")
    details = _details(wire.details)
    info = details["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("DIGEST_LENGTH", "signerd.v1")
    assert info.metadata["request_id"] == "id-1"
    violations = details["BadRequest"]
    assert isinstance(violations, error_details_pb2.BadRequest)
    assert violations.field_violations[0].field == "digest"


@pytest.mark.parametrize("family", [LimitExceeded, TokenUnavailable])
def test_what_passes_says_when_to_try_again(family: type[SignerdError]) -> None:
    """A refusal that time cures carries RetryInfo, the given delay before the default."""
    for given, expected in ((None, 500), (2.0, 2000)):
        details = _details(wire_error(family("later", retry_after_s=given), "r").details)
        retry = details["RetryInfo"]
        assert isinstance(retry, error_details_pb2.RetryInfo)
        assert retry.retry_delay.ToMilliseconds() == expected


def test_internal_errors_keep_their_text() -> None:
    """Neither an Internal error nor an unexpected exception shows its text to the caller."""
    wire = wire_error(errors.Internal("pin 1234 at /var/lib/x"), "id-2")
    assert wire == internal_error("id-2")
    assert wire.code is grpc.StatusCode.INTERNAL
    assert b"1234" not in wire.details
    assert "id-2" in wire.message
