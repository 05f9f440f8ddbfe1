"""The structured log on standard error: one line an event, JSON for machines or text for people.

Modules log with `structlog.get_logger()` and the names of `LogEvent`. Tracebacks and the text of
unexpected exceptions stand here and nowhere else.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

import structlog

from signerd.observability.context import request_id_var
from signerd.observability.event import LogEvent
from signerd.observability.redaction import redact

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "text"]

_STDERR: Final = 2
_LEVELS: Final = {"warn": "warning", "exception": "error", "fatal": "critical"}
# Control characters could forge lines or drive the terminal of whoever reads the text.
_ESCAPES: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}

_Event = MutableMapping[str, Any]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_log(level: LogLevel, log_format: LogFormat, *, process: str) -> None:
    """Set up the log of this process; called once, at start.

    process: its name in each line, such as "front-0". Warnings and errors of libraries that use
    the standard logging module are written as LogEvent.LIBRARY_MESSAGE.
    """
    structlog.configure(
        processors=[
            _Frame(process),
            _describe_exception,
            redact,
            _render_json if log_format == "json" else _TextRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_line_writer,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)
    logging.captureWarnings(capture=True)


class _Frame:
    """Puts first what every line has: when, how grave, what, where, for which call."""

    def __init__(self, process: str) -> None:
        self._place = {"process": process, "pid": os.getpid()}

    def __call__(self, _logger: object, method: str, event: _Event) -> _Event:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        framed: dict[str, Any] = {
            "timestamp": now.replace("+00:00", "Z"),
            "level": _LEVELS.get(method, method),
            "event": str(event.pop("event")),
            **self._place,
        }
        if request_id := request_id_var.get():
            framed["request_id"] = request_id
        for name, value in event.items():
            framed.setdefault(name, value)
        return framed


def _describe_exception(_logger: object, _method: str, event: _Event) -> _Event:
    error = _exception_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["traceback"] = "".join(traceback.format_exception(error))
    return event


def _exception_of(exc_info: BaseException | _ExcInfo | bool | None) -> BaseException | None:  # noqa: FBT001 - exc_info=True is the convention of logging
    match exc_info:
        case BaseException():
            return exc_info
        case tuple():
            return exc_info[1]
        case True:
            return sys.exception()
        case _:
            return None


def _render_json(_logger: object, _method: str, event: _Event) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


class _TextRenderer:
    def __init__(self) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=os.isatty(_STDERR), sort_keys=False)

    def __call__(self, logger: object, method: str, event: _Event) -> str:
        trace = event.pop("traceback", "")
        printable = {
            name: value.translate(_ESCAPES) if isinstance(value, str) else value
            for name, value in event.items()
        }
        line = self._render(logger, method, printable)
        return f"{line}\n{trace.rstrip()}" if trace else line


class _LineWriter:
    """Writes each line to standard error with one system call.

    A reader that went away costs the log, not the work of the process.
    """

    def msg(self, line: str) -> None:
        with suppress(OSError):
            os.write(_STDERR, f"{line}\n".encode(errors="backslashreplace"))

    debug = info = warning = warn = error = critical = fatal = exception = log = msg


def _line_writer(*_names: object) -> _LineWriter:
    return _LineWriter()


class _LibraryHandler(logging.Handler):
    """Hands the records of the standard logging module to the log."""

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's malformed record is told, not raised
            self.handleError(record)
            return
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write(
            LogEvent.LIBRARY_MESSAGE,
            library=record.name,
            message=message,
            exc_info=record.exc_info,
        )
