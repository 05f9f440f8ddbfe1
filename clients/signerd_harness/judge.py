"""Whether what came of an act is what had to come: a pure decision."""

from signerd_client import SignerdError
from signerd_client.error import (
    Aborted,
    Cancelled,
    Corrupted,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
)
from signerd_harness.act import Rule
from signerd_harness.tally import Outcome

# After these nobody knows whether it was done, or it was not tried.
_NO_RESULT = (
    Aborted,
    Cancelled,
    Corrupted,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
)


def judge(rule: Rule, refusal: str) -> Outcome:
    """Of a result; refusal: its reason, empty for a success."""
    if refusal != rule.refusal:
        return Outcome.WRONG
    return Outcome.REFUSED if refusal else Outcome.DONE


def is_result(error: SignerdError) -> bool:
    """Whether an error is the daemon's refusal, and not the lack of an answer."""
    return not isinstance(error, _NO_RESULT)
