"""What comes of a check."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from signerd.core.error import SignerdError

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Check(Generic[State]):
    """The outcome of a check.

    state: to be stored before anything is answered, also after a refusal: failures count even if
    the caller hangs up. The store takes it only in place of the state that was judged; otherwise
    judge again, or guesses made at the same moment count as one. refusal: the error for the
    caller; None when the proof holds.
    """

    state: State
    refusal: SignerdError | None = None
