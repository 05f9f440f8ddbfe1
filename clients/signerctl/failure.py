"""Says on standard error what went wrong and what to do next."""

import json
import os
import sys

import typer

from signerctl.exit_code import ExitCode, exit_code_of
from signerd_client import SignerdError


def report(error: SignerdError, *, as_json: bool) -> ExitCode:
    """Describe an error; returns the exit code it means."""
    code = exit_code_of(error)
    if as_json:
        typer.echo(json.dumps(_document(error, code), ensure_ascii=False), err=True)
        return code
    typer.echo(f"signerctl: {error.message}", err=True)
    for violation in error.field_violations:
        said = "" if violation.description == error.message else f": {violation.description}"
        typer.echo(f"  field:      {violation.field}{said}", err=True)
    typer.echo(f"  reason:     {error.reason}", err=True)
    if error.retry_after_s is not None:
        typer.echo(f"  try again:  in {error.retry_after_s:g} s", err=True)
    typer.echo(f"  what next:  {error.advice}", err=True)
    if error.support_reference:
        typer.echo(f"  support:    {error.support_reference}", err=True)
    if error.request_id:
        typer.echo(f"  request id: {error.request_id}", err=True)
    return code


def report_usage(message: str, *, as_json: bool) -> ExitCode:
    """Describe a mistake in what was given on the command line."""
    if as_json:
        document = {"error": {"message": message, "reason": "USAGE", "exit_code": ExitCode.USAGE}}
        typer.echo(json.dumps(document, ensure_ascii=False), err=True)
    else:
        typer.echo(f"signerctl: {message}", err=True)
    return ExitCode.USAGE


def report_defect(error: Exception) -> ExitCode:
    """Describe what should not happen."""
    typer.echo(
        f"signerctl: a defect: {type(error).__name__}: {error}\n"
        "  what next:  report it with the command you gave",
        err=True,
    )
    return ExitCode.DEFECT


def be_quiet() -> ExitCode:
    """The reader of standard output is gone: nothing more is written, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ExitCode.INTERRUPTED


def _document(error: SignerdError, code: ExitCode) -> dict[str, object]:
    return {
        "error": {
            "message": error.message,
            "reason": error.reason,
            "advice": error.advice,
            "field_violations": [
                {"field": violation.field, "description": violation.description}
                for violation in error.field_violations
            ],
            "retry_after_s": error.retry_after_s,
            "request_id": error.request_id,
            "support_reference": error.support_reference,
            "metadata": dict(error.info.metadata),
            "exit_code": code,
        }
    }
