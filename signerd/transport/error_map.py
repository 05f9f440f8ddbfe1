"""The one table from error families to gRPC status, and the one place that decides what a caller
may see of an error."""

from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from signerd.core.error import (
    Conflict,
    DeadlineExceeded,
    Internal,
    Interrupted,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    SignerdError,
    StoreUnavailable,
    TokenRefused,
    TokenUnavailable,
    Unauthenticated,
    WrongState,
)
from signerd.v1 import signing_pb2

DOMAIN = "signerd.v1"
DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"

STATUS_CODES: dict[type[SignerdError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    Interrupted: grpc.StatusCode.ABORTED,
    WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    LimitExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    TokenUnavailable: grpc.StatusCode.UNAVAILABLE,
    TokenRefused: grpc.StatusCode.FAILED_PRECONDITION,
    StoreUnavailable: grpc.StatusCode.UNAVAILABLE,
    ServiceUnavailable: grpc.StatusCode.UNAVAILABLE,
    Internal: grpc.StatusCode.INTERNAL,
}

# A refusal that trying again cures without the family saying when.
_DEFAULT_RETRY_S = {
    TokenUnavailable: 0.5,
    StoreUnavailable: 1.0,
    ServiceUnavailable: 5.0,
    LimitExceeded: 0.5,
}


@dataclass(frozen=True, slots=True)
class WireError:
    """What a caller gets: status code, message, and google.rpc.Status as serialised bytes."""

    code: grpc.StatusCode
    message: str
    details: bytes


# Clients throw trailers beyond 8 KiB away together with the status, and a message is in them three
# times: percent-encoded, in the status and in the field violation.
_LONGEST_MESSAGE = 1000
_STOPPING_RETRY_MS = 200


def item_error(error: SignerdError, request_id: str) -> signing_pb2.SignError:
    """The error of one of many as it stands in an answer: what `wire_error` would say."""
    if isinstance(error, Internal):
        return signing_pb2.SignError(
            code=grpc.StatusCode.INTERNAL.value[0],
            reason="INTERNAL",
            message=f"internal error; quote request id {request_id} to the operator of the daemon",
        )
    item = signing_pb2.SignError(
        code=STATUS_CODES[type(error)].value[0],
        reason=error.reason,
        message=_presentable(error.message),
        metadata=error.metadata,
    )
    retry_s = error.retry_after_s or _DEFAULT_RETRY_S.get(type(error))
    if retry_s is not None:
        item.retry_delay.FromMilliseconds(int(retry_s * 1000))
    return item


def wire_error(error: SignerdError, request_id: str) -> WireError:
    """Translate an error of ours. The text of an Internal error stays in the log."""
    if isinstance(error, Internal):
        return internal_error(request_id)
    code, message = STATUS_CODES[type(error)], _presentable(error.message)
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata=error.metadata | {"request_id": request_id}
    )
    details: list[Message] = [info]
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=message
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    retry_s = error.retry_after_s or _DEFAULT_RETRY_S.get(type(error))
    if retry_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(retry_s * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _wire(code, message, details)


def unknown_method_error(rpc: str, request_id: str) -> WireError:
    """What a caller sees of an RPC that no service has."""
    info = error_details_pb2.ErrorInfo(
        reason="UNKNOWN_METHOD", domain=DOMAIN, metadata={"request_id": request_id}
    )
    message = f"{rpc} is not a call of this daemon; see its list of services by reflection"
    return _wire(grpc.StatusCode.UNIMPLEMENTED, _presentable(message), [info])


def internal_error(request_id: str) -> WireError:
    """What a caller sees of a defect: a constant text and the id to quote."""
    info = error_details_pb2.ErrorInfo(
        reason="INTERNAL", domain=DOMAIN, metadata={"request_id": request_id}
    )
    message = f"internal error; quote request id {request_id} to the operator of the daemon"
    return _wire(grpc.StatusCode.INTERNAL, message, [info])


def stopping_error(request_id: str) -> WireError:
    """What the caller of an endless stream sees when the daemon stops."""
    info = error_details_pb2.ErrorInfo(
        reason="SERVER_STOPPING", domain=DOMAIN, metadata={"request_id": request_id}
    )
    delay = duration_pb2.Duration()
    delay.FromMilliseconds(_STOPPING_RETRY_MS)
    message = "this server stops; call again, which another one answers"
    retry = error_details_pb2.RetryInfo(retry_delay=delay)
    return _wire(grpc.StatusCode.UNAVAILABLE, message, [info, retry])


def _presentable(message: str) -> str:
    """A message that may repeat what the caller sent: no control characters, not too long."""
    text = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in message
    )
    encoded = text.encode()
    if len(encoded) <= _LONGEST_MESSAGE:
        return text
    return encoded[:_LONGEST_MESSAGE].decode(errors="ignore") + "…"


def _wire(code: grpc.StatusCode, message: str, details: list[Message]) -> WireError:
    packed = []
    for detail in details:
        box = any_pb2.Any()
        box.Pack(detail)
        packed.append(box)
    status = status_pb2.Status(code=code.value[0], message=message, details=packed)
    return WireError(code, message, status.SerializeToString())
