"""The error families of the daemon.

Every error that may reach a caller is one of these; `transport` maps each family to one gRPC
status code. A message says what happened and what to do next, and never holds a secret.
"""

from collections.abc import Mapping
from typing import ClassVar, Final


class SignerdError(Exception):
    """Base of all families.

    reason: UPPER_SNAKE, for programs (google.rpc.ErrorInfo); retry_after_s: seconds after which
    the same call may succeed; field: the request field at fault.
    """

    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})
        self.retry_after_s = retry_after_s
        self.field = field


class InvalidRequest(SignerdError):
    """The request can never succeed as it is."""

    default_reason = "INVALID_REQUEST"


class Unauthenticated(SignerdError):
    """The caller could not be identified."""

    default_reason = "UNAUTHENTICATED"


class PermissionDenied(SignerdError):
    """The caller is known and may not do this."""

    default_reason = "PERMISSION_DENIED"


class NotFound(SignerdError):
    """The named resource does not exist, or the caller may not know that it does."""

    default_reason = "NOT_FOUND"


class Conflict(SignerdError):
    """The request contradicts an earlier one, such as a reused request id."""

    default_reason = "CONFLICT"


class Interrupted(SignerdError):
    """Someone else acted on the same resource at the same moment; trying again helps."""

    default_reason = "CONCURRENT_CHANGE"


class WrongState(SignerdError):
    """The resource is not in a state that allows this, such as a revoked certificate."""

    default_reason = "WRONG_STATE"


class LimitExceeded(SignerdError):
    """A rate, queue or capacity is used up for now."""

    default_reason = "LIMIT_EXCEEDED"


class DeadlineExceeded(SignerdError):
    """The caller's deadline passed before the work was done."""

    default_reason = "DEADLINE_EXCEEDED"


class TokenUnavailable(SignerdError):
    """The token or every host that serves it is out of reach; it may come back by itself."""

    default_reason = "TOKEN_UNAVAILABLE"


HOST_LOST: Final = "HOST_LOST"
"""Reason of TokenUnavailable: the process that had the request died, perhaps after it did it."""


class TokenRefused(SignerdError):
    """The token answered and said no: an unsupported mechanism, a policy of the token."""

    default_reason = "TOKEN_REFUSED"


class StoreUnavailable(SignerdError):
    """The database did not take or give the data."""

    default_reason = "STORE_UNAVAILABLE"


class ServiceUnavailable(SignerdError):
    """A service of the bank that the daemon asks gave no usable answer; it may come back."""

    default_reason = "SERVICE_UNAVAILABLE"


class Internal(SignerdError):
    """A defect of the daemon. The text is for the log, never for the caller."""

    default_reason = "INTERNAL"


FAMILIES: Final[Mapping[str, type[SignerdError]]] = {
    SignerdError.__name__: SignerdError,
    **{family.__name__: family for family in SignerdError.__subclasses__()},
}
"""By name, for errors that are stored or cross a socket."""
