"""Why a connection could not be made or broke, in words that help.

gRPC tells everything in one line of text; what is read from it here is shown by tests against
real servers, and what is not recognised is passed on as it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signerd_client.error import ConnectionFailed, ErrorDetail
from signerd_client.target import Target, TlsMaterial

_NOT_CONNECTED: Final = ("failed to connect to all addresses", "errors resolving")


@dataclass(frozen=True, slots=True)
class _Cause:
    reason: str
    message: str
    advice: str
    hopeless: bool = False


_CAUSES: Final = (
    (
        "Connection refused",
        _Cause(
            "CONNECTION_REFUSED",
            "nothing listens there (connection refused)",
            "Check that the daemon runs and that the target is its address.",
        ),
    ),
    (
        "No such file or directory",
        _Cause(
            "SOCKET_MISSING",
            "the socket does not exist",
            "Check that the daemon runs and that the path is that of its local socket.",
        ),
    ),
    (
        "Permission denied",
        _Cause(
            "SOCKET_FORBIDDEN",
            "this user may not open the socket",
            "Call as the daemon's user, or over TLS with a certificate of your own.",
            hopeless=True,
        ),
    ),
    (
        "errors resolving",
        _Cause(
            "NAME_NOT_RESOLVED",
            "the host name cannot be resolved",
            "Check the host name of the target and the resolver of this machine.",
        ),
    ),
    (
        "certificate has expired",
        _Cause(
            "SERVER_CERTIFICATE_EXPIRED",
            "the daemon's certificate has expired",
            "Ask the operator to renew the daemon's certificate; check this machine's clock.",
            hopeless=True,
        ),
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        _Cause(
            "SERVER_NOT_TRUSTED",
            "the daemon's certificate was not issued by the given CA",
            "Check that the CA file is the one the operator of this daemon gave out.",
            hopeless=True,
        ),
    ),
    (
        "Hostname Verification Check failed",
        _Cause(
            "SERVER_NAME_MISMATCH",
            "the daemon's certificate is for another host name",
            "Use the host name that is in it, or give it as the server name.",
            hopeless=True,
        ),
    ),
    (
        "WRONG_VERSION_NUMBER",
        _Cause(
            "NOT_TLS",
            "what listens there does not speak TLS",
            "Check the port of the target.",
            hopeless=True,
        ),
    ),
)

_CLOSED: Final = _Cause(
    "CONNECTION_CLOSED",
    "what listens there closed the connection at once",
    "Check that this is the daemon's local socket; if it was just being restarted, try again.",
)
_HANDSHAKE_CLOSED: Final = _Cause(
    "HANDSHAKE_CLOSED",
    "connection closed during the TLS handshake",
    "Is your certificate issued by the CA the daemon trusts? If the daemon was just being"
    " restarted, try again.",
)


def explain(
    text: str,
    target: Target,
    material: TlsMaterial | None,
    *,
    now_utc: datetime,
    request_id: str,
) -> ConnectionFailed:
    """The error for gRPC's text about a failed connection."""
    connecting = text.startswith(_NOT_CONNECTED)
    if not connecting:
        cause = _Cause(
            "CONNECTION_LOST",
            f"the connection broke during the call: {text}",
            "Try again with the same request id.",
        )
    else:
        cause = _closed(material, now_utc, text) or _known(text)
    detail = ErrorDetail(
        message=f"{target.address}: {cause.message}",
        reason=cause.reason,
        advice=cause.advice,
        request_id=request_id,
    )
    return ConnectionFailed(detail, hopeless=cause.hopeless, connecting=connecting)


def _closed(material: TlsMaterial | None, now_utc: datetime, text: str) -> _Cause | None:
    """A daemon that refuses the caller's certificate just closes; the reason may be known here."""
    if "Socket closed" not in text:
        return None
    if material is None:
        return _CLOSED
    if now_utc > material.not_after:
        return _Cause(
            "CLIENT_CERTIFICATE_EXPIRED",
            f"your own client certificate expired on {material.not_after:%Y-%m-%d %H:%M} UTC",
            "Ask the operator for a new client certificate.",
            hopeless=True,
        )
    if now_utc < material.not_before:
        return _Cause(
            "CLIENT_CERTIFICATE_NOT_YET_VALID",
            "your own client certificate is not valid before"
            f" {material.not_before:%Y-%m-%d %H:%M} UTC",
            "Check this machine's clock.",
            hopeless=True,
        )
    return _HANDSHAKE_CLOSED


def _known(text: str) -> _Cause:
    for sign, cause in _CAUSES:
        if sign in text:
            return cause
    return _Cause("CONNECTION_FAILED", text, ConnectionFailed.advice_of_family)
