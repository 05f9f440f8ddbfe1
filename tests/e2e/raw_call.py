"""Calls without the client library, which would not send what is sent here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

from examples.private_daemon import PrivateDaemon

DETAILS = "grpc-status-details-bin"
REQUEST_ID = "x-request-id"
_TIMEOUT_S = 60.0
# What would tell a caller about the inside of the daemon.
_INSIDE = ("traceback", "select ", "insert ", "sqlite", "site-packages", ".py", "/usr/", "ckr_")


class _Failure(Protocol):
    def code(self) -> grpc.StatusCode: ...

    def details(self) -> str | None: ...

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...] | None: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused caller gets. fields: of the request, that are at fault; seen: all of it."""

    code: grpc.StatusCode
    message: str
    reason: str
    fields: tuple[str, ...]
    retry_after_s: float | None
    request_id: str
    seen: str


@dataclass(frozen=True, slots=True)
class RawCaller:
    """A channel on which anything can be sent."""

    channel: grpc.Channel
    daemon: PrivateDaemon

    def send(
        self, rpc: str, request: Any, answer: Any = None, *, timeout_s: float = _TIMEOUT_S
    ) -> Any:
        """One unary call; request is a message or bytes. Raises grpc.RpcError."""
        payload = request if isinstance(request, bytes) else request.SerializeToString()
        parse = None if answer is None else answer.FromString
        return self.channel.unary_unary(rpc, None, parse)(
            payload, timeout=timeout_s, metadata=((REQUEST_ID, "quoted-by-the-caller"),)
        )

    def refused(self, rpc: str, request: Any, *, timeout_s: float = _TIMEOUT_S) -> Refusal:
        """The refusal of a call, which leaks nothing; fails when the call is not refused."""
        return self.refusal(lambda: self.send(rpc, request, timeout_s=timeout_s))

    def refusal(self, act: Callable[[], object]) -> Refusal:
        """The refusal of whatever is called."""
        try:
            act()
        except grpc.RpcError as error:
            found = _refusal(cast("_Failure", error))
        else:
            raise AssertionError("the call was not refused")
        _check_nothing_leaks(found, self.daemon)
        return found


@contextmanager
def raw_caller(daemon: PrivateDaemon, identity: str) -> Iterator[RawCaller]:
    """A caller with one of the client certificates that init made."""
    tls = daemon.directory / "tls"
    credentials = grpc.ssl_channel_credentials(
        (tls / "ca.pem").read_bytes(),
        (tls / "clients" / f"{identity}.key").read_bytes(),
        (tls / "clients" / f"{identity}.pem").read_bytes(),
    )
    with grpc.secure_channel(daemon.address, credentials) as channel:
        yield RawCaller(channel, daemon)


def _refusal(failure: _Failure) -> Refusal:
    metadata = dict(failure.trailing_metadata() or ())
    packed = metadata.get(DETAILS, b"")
    status = status_pb2.Status.FromString(packed)
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail in status.details:
        assert detail.Unpack(info) or detail.Unpack(bad) or detail.Unpack(retry)
    if packed:
        assert (status.code, status.message) == (failure.code().value[0], failure.details())
        assert info.domain == "signerd.v1"
        assert info.metadata["request_id"] == metadata[REQUEST_ID]
    delay = retry.retry_delay
    return Refusal(
        code=failure.code(),
        message=failure.details() or "",
        reason=info.reason,
        fields=tuple(violation.field for violation in bad.field_violations),
        retry_after_s=delay.seconds + delay.nanos / 1e9 if retry.HasField("retry_delay") else None,
        request_id=str(metadata.get(REQUEST_ID, "")),
        seen=f"{failure.details()} {metadata!r} {status}",
    )


def _check_nothing_leaks(refusal: Refusal, daemon: PrivateDaemon) -> None:
    inside = [*_INSIDE, str(daemon.directory).lower()]
    inside += [pin.read_text().strip() for pin in (daemon.directory / "secrets").iterdir()]
    seen = refusal.seen.lower()
    assert not [word for word in inside if word in seen], refusal.seen
    assert refusal.code not in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}, refusal.seen
