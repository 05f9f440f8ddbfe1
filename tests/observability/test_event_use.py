"""Every event name is written by somebody."""

from pathlib import Path

import pytest

import signerd
from signerd.observability.event import LogEvent

_SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for path in Path(signerd.__file__).parent.rglob("*.py")
    if path.name != "event.py" or path.parent.name != "observability"
)


@pytest.mark.parametrize("event", list(LogEvent))
def test_an_event_is_logged_somewhere(event: LogEvent) -> None:
    """An operator's alert on a name nobody writes would never fire."""
    assert f"LogEvent.{event.name}" in _SOURCES
