"""How a run stands, on the terminal of whoever waits for it."""

import sys
import time
from collections import deque
from contextlib import ExitStack
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live as Screen
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from signerd_harness.latency import Latencies
from signerd_harness.run import Live
from signerd_harness.tally import Outcome

_WINDOW_S: Final = 3.0
_REFRESH_PER_S: Final = 4


class LiveView:
    """A picture that is drawn again and again on a terminal; elsewhere a line for each phase.

    Writes to standard error. Use as a context manager, call it with what is new.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._is_terminal = sys.stderr.isatty()
        self._stack = ExitStack()
        self._screen: Screen | None = None
        self._window: deque[tuple[float, int, Latencies]] = deque()
        self._phase = ""
        self._last: Live | None = None

    def __enter__(self) -> Self:
        if self._is_terminal:
            screen = Screen(
                console=self._console, refresh_per_second=_REFRESH_PER_S, transient=True
            )
            self._screen = self._stack.enter_context(screen)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._end_phase()

    def __call__(self, live: Live) -> None:
        """Show what is new."""
        if live.phase != self._phase:
            self._end_phase()
            self._phase = live.phase
            self._window.clear()
        self._last = live
        now = time.monotonic()
        self._window.append((now, live.recent.total, live.recent.all_latencies()))
        while self._window and self._window[0][0] < now - _WINDOW_S:
            self._window.popleft()
        if self._screen is not None:
            self._screen.update(self._picture(live))

    def _end_phase(self) -> None:
        """A line that stays."""
        if self._last is not None:
            live = self._last
            of = f" of {live.total}" if live.total else ""
            self._console.print(f"{live.phase}: {live.done}{of}", soft_wrap=True)
        self._last = None

    def _picture(self, live: Live) -> Group:
        bar = ProgressBar(
            total=live.total or None, completed=live.done, pulse=not live.total, width=50
        )
        share = f"{live.done:,} of {live.total:,}" if live.total else f"{live.done:,}"
        top = Table.grid(padding=(0, 2))
        top.add_row(Text(live.phase, "bold"), bar, share)
        return Group(Text(self._title), top, self._numbers(live))

    def _numbers(self, live: Live) -> Table:
        tally = live.result.tally
        latencies = Latencies()
        for _, _, some in self._window:
            latencies.merge(some)
        rate = sum(count for _, count, _ in self._window) / _WINDOW_S
        table = Table.grid(padding=(0, 2))
        rows = {
            "acts": f"{tally.total:,}, now {rate:.0f}/s",
            "latency now": f"p50 {latencies.percentile_ms(0.5):.1f} ms,"
            f" p99 {latencies.percentile_ms(0.99):.1f} ms",
            "refused as expected": f"{tally.count(Outcome.REFUSED):,}",
            "without a result": f"{tally.count(Outcome.ERROR):,}",
            "wrong results": f"{tally.count(Outcome.WRONG):,}",
            "signatures": f"{tally.signatures:,}, verified {live.result.verified.count:,}",
        }
        if live.kills:
            rows["processes killed"] = str(live.kills)
        for label, text in rows.items():
            is_bad = label == "wrong results" and tally.count(Outcome.WRONG)
            table.add_row(Text(label), Text(text, "bold red" if is_bad else ""))
        return table
