"""Whether the machine's clock may be sworn to.

A time stamp says that something was there at a time; a wrong clock makes every one of them a lie
that nobody can take back. So none is made while the clock is known to be wrong, or not known to be
right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from signerd.core.error import WrongState

# A clock that is being corrected runs up to a tenth faster or slower (chrony's maxslewrate).
_SLEW: Final = 0.1
_JUMP_S: Final = 0.25
# After a jump, long enough for whatever keeps the clock to notice a wrong one.
SETTLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ClockReading:
    """wall_s: seconds since 1970; boot_s: since boot, which nobody sets. is_synchronised: the
    kernel was told lately that its clock is right; most_error_us: by how much it may be wrong, in
    microseconds. problem: why the kernel did not say; otherwise empty."""

    wall_s: float
    boot_s: float
    is_synchronised: bool
    most_error_us: int
    problem: str = ""


class MachineClockGate:
    """`signerd.signing.document_ports.ClockGate` of this process.

    read: the clocks now. most_error_us: more is not accepted. is_unsynchronised_allowed: for
    machines on which nothing keeps the clock, where the operator says so; a jump is refused all
    the same. observe is called every second, so that no jump goes unseen.
    """

    def __init__(
        self,
        read: Callable[[], ClockReading],
        *,
        most_error_us: int,
        is_unsynchronised_allowed: bool,
    ) -> None:
        self._read = read
        self._most_error_us = most_error_us
        self._is_unsynchronised_allowed = is_unsynchronised_allowed
        self._last: ClockReading | None = None
        self._jump_s = 0.0
        self._settled_at = 0.0

    def observe(self) -> ClockReading:
        """Compare the clocks with how they were."""
        now, last = self._read(), self._last
        self._last = now
        if last is not None:
            passed_s = now.boot_s - last.boot_s
            gained_s = now.wall_s - last.wall_s - passed_s
            if abs(gained_s) > _JUMP_S + _SLEW * passed_s:
                self._jump_s = gained_s
                self._settled_at = now.boot_s + SETTLE_S
        return now

    def require_trusted(self) -> None:
        """Raises WrongState (CLOCK_NOT_TRUSTED) with what is wrong."""
        problem = self.problem(self.observe())
        if problem:
            raise WrongState(
                f"no time stamps: {problem}", reason="CLOCK_NOT_TRUSTED", retry_after_s=SETTLE_S
            )

    def problem(self, reading: ClockReading) -> str:
        """Why the clock is not trusted; empty when it is."""
        if reading.boot_s < self._settled_at:
            left_s = self._settled_at - reading.boot_s
            return (
                f"the clock was set by {self._jump_s:+.1f} s; it is watched for another "
                f"{left_s:.0f} s"
            )
        if self._is_unsynchronised_allowed:
            return ""
        return self._unsynchronised(reading)

    def _unsynchronised(self, reading: ClockReading) -> str:
        what_next = (
            "; have the operator start chrony or another NTP client, or, on a test machine, set "
            "[timestamping] allow_unsynchronised_clock"
        )
        if reading.problem:
            return f"the kernel does not say how its clock is ({reading.problem}){what_next}"
        if not reading.is_synchronised:
            return f"nothing keeps the clock of this machine right{what_next}"
        if reading.most_error_us > self._most_error_us:
            return (
                f"the clock may be wrong by {reading.most_error_us / 1000:g} ms, more than the "
                f"{self._most_error_us / 1000:g} ms that time stamps promise{what_next}"
            )
        return ""
