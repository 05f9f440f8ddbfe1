"""Signals that only enqueue: the loop of the supervisor acts on them when it is their turn."""

import contextlib
import os
import select
import signal
from types import TracebackType
from typing import Final, Self

_QUEUED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class SignalQueue:
    """Between enter and exit, SIGTERM, SIGINT, SIGHUP and SIGCHLD are queued."""

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before = {number: signal.signal(number, _do_nothing) for number in _QUEUED}
        self._fd_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, timeout_s: float) -> list[signal.Signals]:
        """The signals that came, in order; returns early when one comes, also for a child's end,
        which is not among them."""
        select.select([self._reader], [], [], timeout_s)
        received = b""
        with contextlib.suppress(BlockingIOError):
            received = os.read(self._reader, 4096)
        return [signal.Signals(one) for one in received if one != signal.SIGCHLD]


def _do_nothing(_number: int, _frame: object) -> None:
    """A handler must be there for the wake-up descriptor to be written."""
