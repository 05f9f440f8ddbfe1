"""Life and death of an asyncio process of the daemon."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable

import structlog

from signerd.core.error import SignerdError
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent

_BEAT_S = 0.5
_SILENCE_ALLOWED_S = 10.0


class Lifeline:
    """Watches for the end: SIGTERM, SIGINT, or the supervisor gone (end of file on stdin)."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, stdin_fd: int, on_hangup: Callable[[], None]) -> None:
        """Watch from now on; on_hangup is called at SIGHUP."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, on_hangup)
        loop.add_reader(stdin_fd, self._stop.set)

    def spawn(self, works: Iterable[Awaitable[None]]) -> None:
        """Run periodic work until the end."""
        self._tasks.extend(asyncio.ensure_future(work) for work in works)

    async def until_stop(self) -> None:
        """Report ready, then beat until the end comes."""
        self._pulse.ready(_SILENCE_ALLOWED_S)
        while not self._stop.is_set():
            self._pulse.beat(_SILENCE_ALLOWED_S)
            try:
                async with asyncio.timeout(_BEAT_S):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def promise(self, *, allowed_s: float) -> None:
        """The rest of the stop may take allowed_s seconds."""
        self._pulse.beat(allowed_s)

    async def end(self) -> None:
        """Stop the periodic work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def every(interval_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do work every interval_s seconds; what fails is logged and tried again."""
    log = structlog.get_logger()
    while True:
        try:
            await work()
        except SignerdError as error:
            log.warning(LogEvent.WORK_FAILED, reason=error.reason, explanation=error.message)
        except Exception:
            log.exception(LogEvent.WORK_FAILED)  # a defect, but no reason to never work again
        await asyncio.sleep(interval_s)
