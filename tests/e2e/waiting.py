"""Waits with a limit that a busy machine keeps."""

import time
from collections.abc import Callable

_LIMIT_S = 60.0


def wait_until(condition: Callable[[], object], what: str, limit_s: float = _LIMIT_S) -> None:
    """Fails with what was waited for."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s until {what}"
        time.sleep(0.05)
