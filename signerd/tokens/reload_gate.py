"""How often a module may be reloaded."""

from typing import Final

_COST_FACTOR: Final = 20.0
# On a machine that is slow to reload, callers who wait half a minute still see a second look.
_COST_MOST_S: Final = 20.0


class ReloadGate:
    """At most one reload in an interval, longer while reloading does not help.

    A reload ends the sessions of every token of the module. The interval is therefore also at
    least 20 times what the last reload took, though not more than 20 s, so that a token that stays
    away costs the others a twentieth of the time where reloads are quick. Times are seconds of
    CLOCK_MONOTONIC.
    """

    def __init__(self, least_s: float = 2.0, most_s: float = 10.0) -> None:
        self._least_s = least_s
        self._most_s = most_s
        self._interval_s = least_s
        self._next = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until a reload is allowed; 0 when it is."""
        return max(0.0, self._next - now)

    def note(self, started: float, ended: float, *, helped: bool) -> None:
        """A reload was done; helped: the token for which it was done is back."""
        self._interval_s = self._least_s if helped else min(self._interval_s * 2, self._most_s)
        cost_s = min(_COST_FACTOR * (ended - started), _COST_MOST_S)
        self._next = ended + max(self._interval_s, cost_s)
