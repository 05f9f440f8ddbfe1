"""How long to wait before a process is started again."""

from typing import Final

_FIRST_S: Final = 0.5
_MOST_S: Final = 10.0
_HEALTHY_S: Final = 30.0
_DOUBLINGS: Final = 10


class Backoff:
    """The first restart is immediate, each further one waits twice as long as the one before.

    Half a minute of health makes the next failure a first one again.
    """

    def __init__(self) -> None:
        self.failures = 0

    def delay_s(self, healthy_s: float) -> float:
        """The wait after a failure; healthy_s: how long the process had been well."""
        if healthy_s >= _HEALTHY_S:
            self.failures = 0
        self.failures += 1
        if self.failures == 1:
            return 0.0
        return float(min(_MOST_S, _FIRST_S * 2 ** min(self.failures - 2, _DOUBLINGS)))

    def reset(self) -> None:
        """Forget all failures."""
        self.failures = 0
