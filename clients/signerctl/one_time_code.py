"""signerctl outbox code: what a test harness reads instead of a phone."""

import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import typer

from signerctl.exit_code import ExitCode
from signerctl.option import Output
from signerctl.session import Session, session
from signerctl.view import Row
from signerd_client.message import Message, MessageKind, MessageState

_CODE: Final = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_PAUSE_S: Final = 0.2


class Channel(StrEnum):
    """Ways of a code."""

    SMS = "SMS"
    EMAIL = "EMAIL"


@dataclass(frozen=True, slots=True)
class SentCode:
    """A one-time code as the message with this name tells it."""

    code: str
    message: str


def code(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Argument(metavar="SUBSCRIBER", help="Your own customer number.")
    ],
    channel: Annotated[
        Channel | None, typer.Option(help="Only what went this way.", show_default=False)
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for it to arrive in the mailbox.")
    ] = 10.0,
    output: Output = None,
) -> None:
    """Print the latest one-time code that was sent to a subscriber.

    For test harnesses, whose messages stay in a mailbox on the daemon's machine. Prints the code
    alone; the exit code is 1 when there is none.

    \b
    Example:
      signerctl outbox code hong-gildong > code.txt
    """
    with session(context, output) as now:
        found = _arrived(now, subscriber, "" if channel is None else channel.value, wait)
        if found is None:
            typer.echo(f"signerctl: no one-time code for {subscriber} is in the mailbox", err=True)
            raise typer.Exit(ExitCode.NEGATIVE)
        if now.printer.is_json:
            now.printer.one(found, _nothing)
        else:
            now.printer.text(f"{found.code}\n")


def _arrived(now: Session, subscriber: str, channel: str, wait_s: float) -> SentCode | None:
    end = time.monotonic() + wait_s
    while True:
        latest = _latest(now, subscriber, channel)
        if latest is not None and latest.state is not MessageState.PENDING:
            return _read(latest)
        if time.monotonic() >= end:
            return None
        time.sleep(_PAUSE_S)


def _latest(now: Session, subscriber: str, channel: str) -> Message | None:
    sent = now.client.list_messages(subscriber=subscriber, kind=MessageKind.CODE, page_size=10)
    return next((one for one in sent if channel in ("", one.channel)), None)


def _read(message: Message) -> SentCode | None:
    found = _CODE.search(message.content.text) if message.content is not None else None
    return SentCode(found[0], message.name) if found else None


def _nothing(_code: SentCode) -> Row:
    return {}
