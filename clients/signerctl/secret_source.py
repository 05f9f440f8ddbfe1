"""Secrets on their way into a command: never on the command line, which others can see."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from signerctl.data import DataError

SOURCE: Final = "SOURCE"
_FORMS: Final = "file:PATH, env:NAME or stdin"

IdentityNumberFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the identity number is: {_FORMS}. Never on the command line.",
        show_default=False,
    ),
]
DocumentNumberFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the number of the document is: {_FORMS}.",
        show_default=False,
    ),
]


def read_secret(source: str) -> str:
    """What a source holds, without white space around it; empty for no source. At a terminal,
    stdin asks without showing what is typed. Raises DataError."""
    kind, _, rest = source.partition(":")
    match kind:
        case "":
            return ""
        case "file" if rest:
            try:
                text = Path(rest).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise DataError(f"cannot read {rest}") from None
        case "env" if rest:
            text = os.environ.get(rest, "")
        case "stdin" if not rest:
            text = _from_stdin()
        case _:
            # Not repeated: it may be the secret itself.
            raise DataError(f"a secret is read from {_FORMS}")
    if not text.strip():
        raise DataError(f"{source} holds nothing")
    return text.strip()


def _from_stdin() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("Number", hide_input=True, err=True)
        return asked
    return sys.stdin.readline()
