"""What the options before the command say, and the frame in which every command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from signerctl.failure import be_quiet, report, report_usage
from signerctl.printer import OutputFormat, Printer
from signerd_client import Client, RetryPolicy, SignerdError, Target

# A person at a terminal learns soon that nobody answers.
_RETRY: Final = RetryPolicy(unreachable_s=3.0)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the daemon, and how to answer."""

    target: str
    ca: Path | None
    certificate: Path | None
    key: Path | None
    server_name: str | None
    timeout_s: float
    output: OutputFormat


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    client: Client
    printer: Printer


@contextmanager
def session(context: typer.Context, output: OutputFormat | None) -> Iterator[Session]:
    """Connect; turn every failure into words on standard error and an exit code."""
    connection: Connection = context.obj
    printer = Printer(output or connection.output)
    with reported(printer), _client(connection) as client:
        yield Session(client, printer)


@contextmanager
def reported(printer: Printer) -> Iterator[None]:
    """Turn every failure into words on standard error and an exit code."""
    try:
        yield
        printer.flush()
    except SignerdError as error:
        raise typer.Exit(report(error, as_json=printer.is_json)) from None
    except ValueError as error:
        raise typer.Exit(report_usage(str(error), as_json=printer.is_json)) from None
    except BrokenPipeError:
        raise typer.Exit(be_quiet()) from None


def target_of(connection: Connection) -> Target:
    """Where the daemon is. Raises InvalidTarget."""
    return Target.parse(
        connection.target,
        ca=connection.ca,
        certificate=connection.certificate,
        key=connection.key,
        server_name=connection.server_name,
    )


def _client(connection: Connection) -> Client:
    return Client(target_of(connection), timeout_s=connection.timeout_s, retry=_RETRY)
