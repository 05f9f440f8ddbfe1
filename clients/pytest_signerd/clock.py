"""The clock of a daemon, which tests set ahead."""

from datetime import UTC, datetime, timedelta

from pytest_signerd.daemon import wait_until_ready
from signerd_harness.private_daemon import PrivateDaemon

_SECOND = timedelta(seconds=1)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class Clock:
    """Time as a daemon of one's own sees it; the machine's clock stays as it is.

    Each change restarts the daemon, which takes a second or two. Certificates that the daemon
    calls expired are still valid for whoever looks at the machine's clock.
    """

    def __init__(self, daemon: PrivateDaemon) -> None:
        self._daemon = daemon
        self._offset = timedelta()

    def now(self) -> datetime:
        """The daemon's time, UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, duration: timedelta | str) -> None:
        """Set the clock ahead by a duration such as timedelta(days=200) or "200d"."""
        self._set(self._offset + _duration(duration))

    def reset(self) -> None:
        """Set it to the machine's time again."""
        if self._offset:
            self._set(timedelta())

    def _set(self, offset: timedelta) -> None:
        self._daemon.restart("--clock-offset", f"{offset // _SECOND}s")
        wait_until_ready(self._daemon)
        self._offset = offset


def _duration(duration: timedelta | str) -> timedelta:
    if isinstance(duration, timedelta):
        return duration
    number, unit = duration[:-1], duration[-1:]
    if unit not in _UNITS or not number.lstrip("-").isdigit():
        raise ValueError(f"{duration!r} is no duration; write it as 200d, 36h, 5m or 10s")
    return timedelta(**{_UNITS[unit]: int(number)})
