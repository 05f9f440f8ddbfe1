"""What comes of a check."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from signerd.core.error import SignerdError

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Check(Generic[State]):
    """The outcome of a check.

    state: to be stored before anything is answered, also after a refusal: failures count even if
    the caller hangs up. refusal: the error for the caller; None when the proof holds.
    """

    state: State
    refusal: SignerdError | None = None
