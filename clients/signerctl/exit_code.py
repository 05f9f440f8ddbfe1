"""Exit codes that scripts can decide on, and which error means which."""

from enum import IntEnum

from signerd_client import SignerdError
from signerd_client.error import (
    Aborted,
    Cancelled,
    ConnectionFailed,
    Corrupted,
    DeadlineExceeded,
    Internal,
    InvalidTarget,
    ResourceExhausted,
    Unavailable,
)


class ExitCode(IntEnum):
    """The meaning of each exit code."""

    OK = 0
    NEGATIVE = 1
    USAGE = 2
    REFUSED = 3
    TRY_AGAIN = 4
    NOT_CONNECTED = 5
    RENEWAL_DUE = 10
    EXPIRED = 11
    SUSPENDED = 12
    REVOKED = 13
    DEFECT = 70
    INTERRUPTED = 130


EXPLANATION = """\
Exit codes:
  0    done
  1    the answer is no (verify, also of cms, pdf, timestamp and login: not valid,
       verify-identity: not theirs, find and outbox code: none, health: not serving,
       revoke and erase: declined, batch issue: some were refused,
       harness run: a wrong result or threshold, audit check-proof: not proven)
  2    wrong usage, or a file that cannot be used
  3    refused by the daemon: request, state, name or permission
  4    temporarily unavailable: trying again helps
  5    no connection: address, TLS or certificate
  10   certificate needs-renewal: renew it now
  11   certificate needs-renewal: it has expired
  12   certificate needs-renewal: it is suspended
  13   certificate needs-renewal: it is revoked
  70   a defect of daemon or client
  130  interrupted"""


def exit_code_of(error: SignerdError) -> ExitCode:
    """The exit code for an error of the client."""
    match error:
        case InvalidTarget():
            return ExitCode.USAGE
        case ConnectionFailed():
            return ExitCode.NOT_CONNECTED
        case Unavailable() | DeadlineExceeded() | Aborted() | Cancelled():
            return ExitCode.TRY_AGAIN
        case ResourceExhausted() if error.retry_after_s is not None:
            return ExitCode.TRY_AGAIN
        case Internal() | Corrupted():
            return ExitCode.DEFECT
        case _:
            return ExitCode.REFUSED
