"""Entry of the daemon's child processes: `python -m signerd.app.process KIND --config FILE --name
NAME`, started by the supervisor with a pulse and with its lifeline on standard input."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import structlog

from signerd.app.layout import latch_directory, run_directory
from signerd.config.load import load_settings
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock, clock_at, parse_duration
from signerd.core.core_dump import forbid_core_dumps
from signerd.core.fault import arm
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent
from signerd.observability.log import configure_log

PULSE_VARIABLE = "SIGNERD_PULSE"
# What an operator wants to hear of a token host.
_WARNINGS = {LogEvent.TOKEN_LOST, LogEvent.TOKEN_PIN_REFUSED, LogEvent.WORK_FAILED}
REPLACEMENT_VARIABLE = "SIGNERD_REPLACEMENT"


def main(arguments: list[str]) -> ExitCode:
    """Run one process to its end."""
    forbid_core_dumps()
    parser = argparse.ArgumentParser(prog="signerd.app.process")
    parser.add_argument("kind", choices=["host", "front", "keeper", "publisher"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--clock-offset", type=parse_duration, default=timedelta())
    options = parser.parse_args(arguments)
    # Until the process has its own handling: a stop that comes during start ends it quietly, and
    # a reload that comes during start is no reason to die.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings = load_settings(options.config)
        configure_log(settings.log.level, settings.log.format, process=options.name)
        arm(settings.test.fault_directory)
        pulse = Pulse(Path(os.environ[PULSE_VARIABLE]))
        _run(options.kind, settings, options.name, pulse, clock_at(options.clock_offset))
    except BootError as error:
        sys.stderr.write(f"signerd {options.name}: {error.message}\n")
        return error.code
    except Exception:  # noqa: BLE001 - the supervisor starts it anew
        structlog.get_logger().exception(LogEvent.PROCESS_FAILED)
        return ExitCode.SOFTWARE
    return ExitCode.OK


def _run(kind: str, settings: Settings, name: str, pulse: Pulse, clock: Clock) -> None:
    """Each kind imports only what it needs: hosts no gRPC and no SQL, fronts no PKCS#11."""
    if kind == "host":
        from signerd.tokens.host import run_token_host  # noqa: PLC0415 - see above

        run_token_host(
            settings.tokens,
            name=name,
            socket_path=run_directory(settings.server.state_directory).host_socket(name),
            pulse=pulse,
            lifeline_fd=sys.stdin.fileno(),
            latch_directory=latch_directory(settings.server.state_directory),
            log=_report,
            is_replacement=bool(os.environ.get(REPLACEMENT_VARIABLE)),
        )
    elif kind == "front":
        from signerd.app.front import run_front  # noqa: PLC0415 - see above

        asyncio.run(run_front(settings, name, pulse, clock))
    elif kind == "publisher":
        from signerd.app.publisher import run_publisher  # noqa: PLC0415 - see above

        asyncio.run(run_publisher(settings, name, pulse, clock))
    else:
        from signerd.app.keeper import run_keeper  # noqa: PLC0415 - see above

        asyncio.run(run_keeper(settings, name, pulse, clock))


def _report(event: str, fields: Mapping[str, str]) -> None:
    level = logging.WARNING if event in _WARNINGS else logging.INFO
    structlog.get_logger().log(level, event, **fields)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
