"""signerctl server, token, audit, health: what operators and auditors ask."""

from itertools import islice
from typing import Annotated

import typer

from signerctl.exit_code import ExitCode
from signerctl.option import Limit, Output
from signerctl.session import session
from signerctl.view import (
    event_columns,
    health_lines,
    host_columns,
    server_lines,
    token_columns,
)

server_app = typer.Typer(help="The daemon and who you are to it.", no_args_is_help=True)
token_app = typer.Typer(help="The tokens that hold the keys.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@server_app.callback()
def _server() -> None:
    """The daemon and who you are to it."""


@token_app.callback()
def _token() -> None:
    """The tokens that hold the keys."""


@server_app.command()
def info(context: typer.Context, output: Output = None) -> None:
    """Show version and process of the daemon, who it takes you for, and its profiles.

    \b
    Example:
      signerctl server info
    """
    with session(context, output) as now:
        now.printer.one(now.client.server_info(), server_lines)


@token_app.command()
def status(context: typer.Context, output: Output = None) -> None:
    """Show every token, how full it is and what is wrong with it, and the hosts that serve them.

    \b
    Example:
      signerctl token status
    """
    with session(context, output) as now:
        report = now.client.token_status()
        if now.printer.is_json:
            now.printer.one(report, lambda _report: {})
            return
        now.printer.many(report.tokens, token_columns)
        if report.hosts:
            now.printer.text("\n")
        now.printer.many(report.hosts, host_columns)


@audit_app.command(name="list")
def list_(
    context: typer.Context,
    *,
    resource: Annotated[
        str,
        typer.Option(
            help="Only on this resource, such as certificates/5f3a9c.", show_default=False
        ),
    ] = "",
    kind: Annotated[
        str,
        typer.Option(help="Only of this kind, such as certificate.issued.", show_default=False),
    ] = "",
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """List audit events, oldest first.

    Prints a table; with --output json one document a line, with chain, request id and hashes.

    \b
    Example:
      signerctl audit list --kind certificate.revoked
    """
    with session(context, output) as now:
        events = now.client.list_audit_events(resource=resource, kind=kind)
        now.printer.many(islice(events, limit or None), event_columns)


@audit_app.command()
def watch(
    context: typer.Context,
    *,
    after: Annotated[
        int,
        typer.Option(
            min=-1, help="Begin after this position; 0 is from the first, -1 from now on."
        ),
    ] = -1,
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """Print audit events as they happen, one a line, until interrupted.

    A broken connection is made again, and no event is printed twice.

    \b
    Example:
      signerctl audit watch --output json
    """
    with session(context, output) as now:
        events = now.client.watch_audit_events(after_position=after)
        now.printer.stream(islice(events, limit or None), event_columns)


def health(
    context: typer.Context,
    *,
    service: Annotated[
        str,
        typer.Option(help="One service, such as signerd.v1.Signing.", show_default=False),
    ] = "",
    output: Output = None,
) -> None:
    """Say whether the daemon serves; its answer includes the token.

    Prints the state; the exit code is 0 when it serves and 1 when it says that it does not.

    \b
    Example:
      signerctl health && echo ready
    """
    with session(context, output) as now:
        answer = now.client.health(service)
        now.printer.one(answer, health_lines)
        now.printer.flush()
        if not answer.serving:
            raise typer.Exit(ExitCode.NEGATIVE)
