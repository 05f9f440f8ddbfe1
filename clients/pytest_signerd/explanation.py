"""What the daemon says about a failed test."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest

from signerd_client import SignerdError

_OURS: Final = {"pytest_signerd", "signerd_client"}
_LINES: Final = 20
_GRAVE: Final = {"warning", "error", "critical"}
_IN_FRONT: Final = {"timestamp", "level", "event", "process", "pid"}


def shorten(excinfo: pytest.ExceptionInfo[BaseException]) -> pytest.ExceptionInfo[BaseException]:
    """Of an error of the daemon, leave out how it came here: what gRPC raised tells the same again
    in pages, and inside the client there is nothing to look for."""
    failure = excinfo.value
    for error in _errors_in(failure):
        error.__cause__ = None
    if not isinstance(failure, SignerdError) or excinfo.tb is None:
        return excinfo
    return pytest.ExceptionInfo.from_exc_info((excinfo.type, failure, _until_ours(excinfo.tb)))


def _until_ours(traceback: TracebackType) -> TracebackType:
    """The frames down to the first one of these packages."""
    module = str(traceback.tb_frame.f_globals.get("__name__", ""))
    following = None
    if traceback.tb_next is not None and module.partition(".")[0] not in _OURS:
        following = _until_ours(traceback.tb_next)
    return TracebackType(following, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)


def sections(failure: BaseException, log: Path | None, since: int) -> list[tuple[str, str]]:
    """Sections for the report of a failure. log: the daemon's, and from which offset on."""
    errors = list(_errors_in(failure))
    found = [("signerd said", "\n".join(map(_explain, errors)))] if errors else []
    ids = {error.request_id for error in errors if error.request_id}
    if log is not None and (lines := _log_lines(log, since, ids)):
        found.append(("signerd's log", "\n".join(lines)))
    return found


def _errors_in(failure: BaseException | None) -> Iterator[SignerdError]:
    """The daemon's errors in an exception and those that led to it."""
    seen: set[int] = set()
    while failure is not None and id(failure) not in seen:
        seen.add(id(failure))
        if isinstance(failure, SignerdError):
            yield failure
        failure = failure.__cause__ or failure.__context__


def _explain(error: SignerdError) -> str:
    """An error with everything that it knows."""
    lines = [str(error), f"  what next: {error.advice}"]
    lines += [f"  {it.field}: {it.description}" for it in error.field_violations]
    return "\n".join(lines)


def _log_lines(file: Path, since: int, request_ids: set[str]) -> list[str]:
    """The daemon's log lines for requests, and grave ones written since an offset in the file."""
    try:
        with file.open("rb") as log:
            log.seek(since)
            written = log.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    events = [event for line in written if (event := _event(line)) is not None]
    chosen = [
        _line(event)
        for event in events
        if event.get("request_id") in request_ids or event.get("level") in _GRAVE
    ]
    return chosen[-_LINES:]


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _line(event: dict[str, Any]) -> str:
    rest = " ".join(f"{name}={value}" for name, value in event.items() if name not in _IN_FRONT)
    front = (str(event.get(name, "")) for name in ("timestamp", "level", "process", "event"))
    return " ".join((*front, rest)).rstrip()
