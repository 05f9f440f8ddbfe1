"""From what gRPC raises to the typed errors, through google.rpc.Status in the trailers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from signerd.v1 import signing_pb2
from signerd_client.advice import advice_for
from signerd_client.connection import explain
from signerd_client.error import (
    Aborted,
    AlreadyExists,
    Cancelled,
    Corrupted,
    DeadlineExceeded,
    ErrorDetail,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    SignerdError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from signerd_client.target import Target, TlsMaterial

_FAMILIES: Final[dict[grpc.StatusCode, type[SignerdError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
    grpc.StatusCode.CANCELLED: Cancelled,
}
_FAMILIES_BY_NUMBER: Final = {code.value[0]: family for code, family in _FAMILIES.items()}
_DETAILS_KEY: Final = "grpc-status-details-bin"
# What gRPC itself says when the other side vanishes in the middle of an answer.
_LOST: Final = (
    "RST_STREAM",
    "Stream removed",
    "Connection reset",
    "Socket closed",
    # Of grpc.aio, where the daemon ended a stream on which something was just being sent.
    "Internal error from Core",
)


class Failure(Protocol):
    """What the errors of grpc and grpc.aio have in common."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def error_of(
    failure: Failure,
    target: Target,
    material: TlsMaterial | None,
    *,
    now_utc: datetime,
    request_id: str,
) -> SignerdError:
    """The typed error. request_id is the caller's own, used when the daemon names none."""
    status = _status(failure.trailing_metadata() or ())
    text = failure.details() or ""
    if status is None and _is_connection(failure.code(), text):
        return explain(text, target, material, now_utc=now_utc, request_id=request_id)
    family = _FAMILIES.get(failure.code(), Internal)
    detail = _detail(family, failure.code().name, text, status, request_id)
    if family is InvalidRequest and detail.reason == "CHECKSUM_MISMATCH":
        family = Corrupted
    return family(detail)


def error_of_item(error: signing_pb2.SignError) -> SignerdError:
    """The typed error of one of many."""
    family = _FAMILIES_BY_NUMBER.get(error.code, Internal)
    reason = error.reason or family.__name__.upper()
    if family is InvalidRequest and reason == "CHECKSUM_MISMATCH":
        family = Corrupted
    return family(
        ErrorDetail(
            message=error.message,
            reason=reason,
            advice=advice_for(family, reason),
            retry_after_s=(
                error.retry_delay.ToTimedelta().total_seconds()
                if error.HasField("retry_delay")
                else None
            ),
            metadata=dict(error.metadata),
        )
    )


def _is_connection(code: grpc.StatusCode, text: str) -> bool:
    # A front that is being stopped cancels what it cannot finish; without details it was not the
    # daemon's decision about this call.
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return True
    broken = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    return code in broken and any(sign in text for sign in _LOST)


def _status(trailers: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status | None:
    for key, value in trailers:
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _detail(
    family: type[SignerdError],
    code: str,
    text: str,
    status: status_pb2.Status | None,
    request_id: str,
) -> ErrorDetail:
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    request = error_details_pb2.RequestInfo()
    for part in status.details if status is not None else ():
        for message in (info, bad_request, retry, request):
            part.Unpack(message)
    reason = info.reason or code
    return ErrorDetail(
        message=text or "the daemon gave no explanation",
        reason=reason,
        advice=advice_for(family, reason),
        field_violations=tuple(
            FieldViolation(violation.field, violation.description)
            for violation in bad_request.field_violations
        ),
        retry_after_s=(
            retry.retry_delay.ToTimedelta().total_seconds()
            if retry.HasField("retry_delay")
            else None
        ),
        request_id=request.request_id or info.metadata.get("request_id", "") or request_id,
        metadata=dict(info.metadata),
    )
