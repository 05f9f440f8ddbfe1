"""Secrets on their way into a command: never on the command line, which others can see."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from signerctl.data import DataError

SOURCE: Final = "SOURCE"
FORMS: Final = "file:PATH, env:NAME or stdin"

IdentityNumberFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the identity number is: {FORMS}. Never on the command line.",
        show_default=False,
    ),
]
DocumentNumberFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the number of the document is: {FORMS}.",
        show_default=False,
    ),
]


def read_secret(source: str, asked_for: str = "Number") -> str:
    """What a source holds, without white space around it; empty for no source. At a terminal,
    stdin asks for it without showing what is typed. Raises DataError."""
    return _read(source, asked_for).strip()


def read_password(source: str, asked_for: str, *, twice: bool = False) -> str:
    """What a source holds, without the line end; white space may belong to a password. twice: have
    it typed again at a terminal. Raises DataError."""
    return _read(source, asked_for, twice=twice).removesuffix("\n").removesuffix("\r")


def _read(source: str, asked_for: str, *, twice: bool = False) -> str:
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
            text = _from_stdin(asked_for, twice=twice)
        case _:
            # Not repeated: it may be the secret itself.
            raise DataError(f"a secret is read from {FORMS}")
    if not text.strip():
        raise DataError(f"{source} holds nothing")
    return text


def _from_stdin(asked_for: str, *, twice: bool) -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt(asked_for, hide_input=True, err=True, confirmation_prompt=twice)
        return asked
    return sys.stdin.readline()
