"""What a call can end with other than its answer: one class per family.

Every error says what happened (message), names it for programs (reason, UPPER_SNAKE) and says
what to do next (advice).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that is at fault, and how."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What is known of an error.

    retry_after_s: seconds after which the daemon expects the same call to succeed; None when it
    did not say. request_id: what to quote to the operator and, for a call that changes state,
    what to repeat the call with. metadata: particulars from the daemon, by name.
    """

    message: str
    reason: str
    advice: str
    field_violations: tuple[FieldViolation, ...] = ()
    retry_after_s: float | None = None
    request_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class SignerdError(Exception):
    """Base of all families."""

    advice_of_family: ClassVar[str] = "Report it to the operator with the request id."

    def __init__(self, info: ErrorDetail) -> None:
        super().__init__(info)
        self.info = info

    def __str__(self) -> str:
        text = f"{self.message} [{self.reason}]"
        return f"{text} (request id {self.request_id})" if self.request_id else text

    @property
    def message(self) -> str:
        """What happened, for people."""
        return self.info.message

    @property
    def reason(self) -> str:
        """What happened, for programs: UPPER_SNAKE."""
        return self.info.reason

    @property
    def advice(self) -> str:
        """What to do next, for people."""
        return self.info.advice

    @property
    def field_violations(self) -> tuple[FieldViolation, ...]:
        """The fields of the request that are at fault."""
        return self.info.field_violations

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which the same call may succeed; None when the daemon did not say."""
        return self.info.retry_after_s

    @property
    def request_id(self) -> str:
        """What to quote to the operator, and to repeat a call that changes state with."""
        return self.info.request_id

    @property
    def support_reference(self) -> str:
        """What a customer quotes to support, who find the story with it; empty where the error
        concerns no enrolment."""
        return self.info.metadata.get("support_reference", "")


class InvalidRequest(SignerdError):
    """The request can never succeed as it is."""

    advice_of_family = "Correct the request; sending it again unchanged fails again."


class Unauthenticated(SignerdError):
    """The daemon could not tell who is calling."""

    advice_of_family = "Call with a client certificate that carries a SAN URI or DNS name."


class PermissionDenied(SignerdError):
    """The caller is known and may not do this."""

    advice_of_family = "Ask the operator for a grant; `signerctl server info` shows who you are."


class NotFound(SignerdError):
    """The named resource does not exist, or the caller may not know that it does."""

    advice_of_family = "Check the name; listing certificates shows what you can see."


class AlreadyExists(SignerdError):
    """The request contradicts an earlier one."""

    advice_of_family = "Use a new request id for a new request."


class Aborted(SignerdError):
    """Someone else acted on the same resource at the same moment."""

    advice_of_family = "Look at the present state, then try again."


class FailedPrecondition(SignerdError):
    """The resource, or the token, is not in a state that allows this."""

    advice_of_family = "Look at the present state of the resource; repeating does not help."


class ResourceExhausted(SignerdError):
    """A limit is used up."""

    advice_of_family = (
        "Call less often or with less (a digest instead of the data), or ask the operator for a"
        " higher limit."
    )


class DeadlineExceeded(SignerdError):
    """No answer within the deadline. A change may have happened all the same."""

    advice_of_family = (
        "Allow more time. If the call changes state, repeat it with the same request id:"
        " that never does it twice."
    )


class Unavailable(SignerdError):
    """The daemon, its token or its store cannot serve at the moment."""

    advice_of_family = "Try again later; `signerctl token status` shows what is out of service."


class ConnectionFailed(Unavailable):
    """The daemon could not be reached, or the connection broke.

    hopeless: trying again does not help before something is changed, such as a certificate.
    connecting: the connection could not be made; otherwise it broke during the call.
    """

    advice_of_family = "Check that the daemon runs and that the target is right."

    def __init__(
        self, info: ErrorDetail, *, hopeless: bool = False, connecting: bool = True
    ) -> None:
        super().__init__(info)
        self.hopeless = hopeless
        self.connecting = connecting


class Unimplemented(SignerdError):
    """The daemon does not know this call."""

    advice_of_family = "Check that daemon and client are of the same version."


class Cancelled(SignerdError):
    """The call was given up by the daemon or by the caller."""

    advice_of_family = "Try again with the same request id."


class Corrupted(SignerdError):
    """A checksum did not match, again and again: bytes change on the way."""

    advice_of_family = "Discard the answer. Check memory and network of both machines."


class Internal(SignerdError):
    """A defect of the daemon or of the client."""

    advice_of_family = "Report it to the operator with the request id; the daemon's log has more."


class InvalidTarget(SignerdError):
    """The address or the TLS files given to this client cannot be used."""

    advice_of_family = "Correct the target, or the files it names."
