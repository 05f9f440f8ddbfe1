"""signerctl outbox: messages to subscribers."""

from itertools import islice
from typing import Annotated

import typer

from signerctl.option import Limit, Output
from signerctl.outbox_view import message_columns, message_lines
from signerctl.session import session
from signerd_client.message import MessageKind, MessageState

app = typer.Typer(help="Messages to subscribers.", no_args_is_help=True)


@app.callback()
def _outbox() -> None:
    """Messages to subscribers."""


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Option(help="Only to this subscriber.", show_default=False)
    ] = "",
    certificate: Annotated[
        str, typer.Option(help="Only about this certificate.", show_default=False)
    ] = "",
    kind: Annotated[
        MessageKind | None, typer.Option(help="Only of this kind.", show_default=False)
    ] = None,
    state: Annotated[
        MessageState | None, typer.Option(help="Only in this state.", show_default=False)
    ] = None,
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """List messages, newest first.

    Prints a table; with --output json one document a line. What a message said is shown only
    where it went into the mailbox of a test harness.

    \b
    Example:
      signerctl outbox list --state FAILED
    """
    with session(context, output) as now:
        messages = now.client.list_messages(
            subscriber=subscriber, certificate=certificate, kind=kind, state=state
        )
        now.printer.many(islice(messages, limit or None), message_columns)


@app.command()
def show(
    context: typer.Context,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id, or messages/ID.")],
    output: Output = None,
) -> None:
    """Show one message: what became of it and, in the mailbox of a test harness, what it said.

    \b
    Example:
      signerctl outbox show 9b1c5e0a7d3f4c2b8e6a1f0d9c8b7a65
    """
    with session(context, output) as now:
        now.printer.one(now.client.get_message(message), message_lines)
