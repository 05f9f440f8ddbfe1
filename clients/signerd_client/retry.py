"""When a call is tried again, and after how long: a pure decision.

Every call of the API may be repeated: those that change state carry a request id, the others change
nothing, or make one record or challenge more. Tried again is what may succeed unchanged: a daemon
that says it is unavailable, a limit or a conflict for which the daemon names a delay, a lost
connection, a wrong checksum.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from signerd_client.call import Call, Watch
from signerd_client.error import (
    Aborted,
    ConnectionFailed,
    Corrupted,
    DeadlineExceeded,
    ErrorDetail,
    ResourceExhausted,
    SignerdError,
    Unavailable,
)

T = TypeVar("T")

_MOST_DOUBLINGS: Final = 30
# A stream that was open for so long worked, though perhaps nothing happened to be sent.
_SETTLED_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits before another attempt grow from initial_s, doubling up to maximum_s, with full jitter.

    unreachable_s: how long to try while no connection can be made at all; a daemon that is being
    restarted is back within it. checksum_attempts: most attempts when checksums do not match.
    The deadline of the call bounds everything.
    """

    initial_s: float = 0.05
    maximum_s: float = 2.0
    unreachable_s: float = 15.0
    checksum_attempts: int = 3


DEFAULT_RETRY: Final = RetryPolicy()


class Attempts:
    """The attempts of one call."""

    def __init__(
        self,
        policy: RetryPolicy,
        timeout_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """timeout_s is the deadline of the call; jitter gives numbers from 0 to 1."""
        self._policy = policy
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._jitter = jitter
        self._start = monotonic()
        self._count = 0
        self._mismatches = 0
        self._unreachable_since: float | None = None
        self._before: SignerdError | None = None

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._start + self._timeout_s - self._monotonic())

    def delay_after(self, error: SignerdError) -> float | None:
        """Seconds to wait before the next attempt; None when the error stands."""
        wanted = self._wanted_delay(error)
        self._count += 1
        if wanted is None or wanted >= self.remaining_s:
            return None
        self._before = error
        return wanted

    def final(self, error: SignerdError) -> SignerdError:
        """The error to raise: one about the deadline tells what the attempts before it met."""
        if not isinstance(error, DeadlineExceeded):
            return error
        before = self._before
        message = f"no answer within {self._timeout_s:g} s"
        if before is not None:
            message += f"; before that: {before.message}"
        return DeadlineExceeded(
            ErrorDetail(message, error.reason, error.advice, request_id=error.request_id)
        )

    def _wanted_delay(self, error: SignerdError) -> float | None:
        unreachable = isinstance(error, ConnectionFailed) and error.connecting
        if not unreachable:
            self._unreachable_since = None
        match error:
            case ConnectionFailed(hopeless=True):
                return None
            case ConnectionFailed(connecting=True):
                return self._backoff() if self._may_come_back() else None
            case Corrupted():
                self._mismatches += 1
                again = self._mismatches < self._policy.checksum_attempts
                return self._backoff() if again else None
            case Unavailable():
                return self._backoff(error.retry_after_s or 0.0)
            case ResourceExhausted() | Aborted() if error.retry_after_s is not None:
                return self._backoff(error.retry_after_s)
            case _:
                return None

    def _may_come_back(self) -> bool:
        now = self._monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
        return now - self._unreachable_since < self._policy.unreachable_s

    def _backoff(self, at_least_s: float = 0.0) -> float:
        ceiling = min(
            self._policy.maximum_s,
            self._policy.initial_s * 2.0 ** min(self._count, _MOST_DOUBLINGS),
        )
        return at_least_s + self._jitter() * ceiling


class WatchProgress(Generic[T]):
    """How far a watch has come, and whether to open it again when it breaks."""

    def __init__(
        self,
        watch: Watch[T],
        policy: RetryPolicy,
        patience_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """patience_s: longest time without service before the watch fails."""
        self._watch = watch
        self._policy = policy
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._last: T | None = None
        self._attempts: Attempts | None = None
        self._opened = monotonic()
        timeout_s = watch.opening(None).timeout_s
        self._end = None if timeout_s is None else self._opened + timeout_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the watch is to end, never negative; None when it has no end."""
        return None if self._end is None else max(0.0, self._end - self._monotonic())

    @property
    def is_over(self) -> bool:
        """True once the watch has lasted as long as it was to."""
        return self.remaining_s == 0.0

    def open(self) -> Call[T]:
        """The call that continues after the last item received."""
        self._opened = self._monotonic()
        return self._watch.opening(self._last)

    def received(self, item: T) -> None:
        """Remember an item before it is given out."""
        self._last = item
        self._attempts = None

    def delay_after(self, error: SignerdError) -> float | None:
        """Seconds to wait before opening again; None when the error stands."""
        settled = self._monotonic() - self._opened > _SETTLED_S
        if self._attempts is None or settled:
            self._attempts = Attempts(self._policy, self._patience_s, monotonic=self._monotonic)
        return self._attempts.delay_after(error)
