"""The log as a reader of standard error sees it."""

import json
import re
import subprocess
import sys
import textwrap
from typing import Any

from signerd.observability.event import LogEvent

_PREAMBLE = """
import logging, sys, warnings
import structlog
from signerd.observability.context import request_id_var
from signerd.observability.event import LogEvent
from signerd.observability.log import configure_log
log = structlog.get_logger()
configure_log({level!r}, {log_format!r}, process="front-0")
"""


def _stderr(code: str, *, level: str = "info", log_format: str = "json") -> str:
    program = _PREAMBLE.format(level=level, log_format=log_format) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b""
    return done.stderr.decode()


def _lines(code: str, *, level: str = "info") -> list[dict[str, Any]]:
    return [json.loads(line) for line in _stderr(code, level=level).splitlines()]


def test_a_line_says_when_where_and_what() -> None:
    """A JSON line has UTC time in RFC 3339, level, event, process and the fields given."""
    (line,) = _lines("log.info(LogEvent.CHILD_STARTED, child='host-0')")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line.pop("pid") > 0
    assert line == {
        "level": "info",
        "event": "child.started",
        "process": "front-0",
        "child": "host-0",
    }


def test_korean_stays_readable() -> None:
    """Text beyond ASCII is written as it is, in both formats."""
    for log_format in ("json", "text"):
        text = _stderr("log.info('x', holder='홍길동')", log_format=log_format)
        assert "홍길동" in text


def test_what_is_no_unicode_is_still_written() -> None:
    """A lone surrogate, as in a file name, does not break the log."""
    (line,) = _lines(r"log.info('x', path='a\udcff')")

    assert line["path"] == "a\udcff"


def test_lines_below_the_level_are_not_written() -> None:
    """The level is the least severity that appears."""
    lines = _lines("log.info('a'); log.warning('b'); log.error('c')", level="warning")

    assert [line["event"] for line in lines] == ["b", "c"]


def test_a_filtered_line_costs_next_to_nothing() -> None:
    """Filtered lines cost a small part of written ones, so debug lines may stand on hot paths."""
    lines = _lines(
        """
        import time
        def took(write, count):
            begin = time.perf_counter()
            for _ in range(count):
                write("x", field=1)
            return (time.perf_counter() - begin) / count
        written = took(log.info, 1_000)
        log.info("took", ratio=took(log.debug, 20_000) / written)
        """
    )

    assert lines[-1]["ratio"] < 0.1  # measured below 0.01


def test_the_request_id_of_the_call_is_in_every_line() -> None:
    """Lines written for a call carry its id, other lines have no such field."""
    first, second = _lines("log.info('a'); request_id_var.set('r-1'); log.info('b')")

    assert "request_id" not in first
    assert second["request_id"] == "r-1"


def test_exceptions_have_type_and_traceback_without_locals() -> None:
    """A failure is told with type, text and the lines of code, and no variable's value."""
    lines = _lines(
        """
        def fail(value):
            raise OSError("disk full")
        try:
            fail("local-" + "value")
        except OSError as error:
            log.exception("a")
            log.error("b", exc_info=error)
        """
    )

    for line in lines:
        assert line["level"] == "error"
        assert line["exception"] == "builtins.OSError"
        assert "disk full" in line["traceback"]
        assert "in fail" in line["traceback"]
        assert "local-value" not in json.dumps(line)


def test_secret_looking_fields_are_emptied() -> None:
    """A PIN that reaches a log call by mistake does not reach the log."""
    text = _stderr("log.info('x', user_pin='9731', request={'password': '9731', 'a': ['b']})")

    assert "9731" not in text
    assert json.loads(text)["request"] == {"password": "***", "a": ["b"]}


def test_libraries_are_heard_from_warning_on() -> None:
    """Warnings and errors of the standard logging module become events, lesser ones don't."""
    lines = _lines(
        """
        logging.getLogger("alembic").info("quiet")
        logging.getLogger("grpc").warning("port %d", 7443)
        try:
            1 / 0
        except ZeroDivisionError:
            logging.getLogger("asyncio").exception("loop")
        warnings.warn("old", stacklevel=1)
        """,
        level="debug",
    )

    assert [line["event"] for line in lines] == [LogEvent.LIBRARY_MESSAGE] * 3
    assert (lines[0]["library"], lines[0]["message"]) == ("grpc", "port 7443")
    assert lines[1]["exception"] == "builtins.ZeroDivisionError"
    assert "old" in lines[2]["message"]


def test_text_cannot_forge_lines_or_drive_the_terminal() -> None:
    """Control characters in a value are shown escaped in the text format."""
    text = _stderr(r"log.info('x', name='a\nerror forged \x1b[2J')", log_format="text")

    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert r"\x0aerror forged \x1b[2J" in text.replace("\\\\", "\\")


def test_text_shows_the_traceback() -> None:
    """The text format puts the traceback below its line."""
    text = _stderr("log.error('x', exc_info=OSError('disk full'))", log_format="text")

    assert text.splitlines()[-1] == "OSError: disk full"


def test_a_lost_reader_does_not_stop_the_work() -> None:
    """When the reader of the log has gone, log calls do nothing."""
    program = _PREAMBLE.format(level="info", log_format="json") + (
        "sys.stdin.read()\nlog.info('x')\nlog.info('x')\nprint('done')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stderr.close()
        child.stdin.close()

        assert child.stdout.read() == b"done\n"
        assert child.wait(timeout=60) == 0
