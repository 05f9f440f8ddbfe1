"""signerctl pdf: signed PDF files (PAdES)."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signerctl.data import STREAM, check_sink, read, write
from signerctl.document_view import pdf_lines, pdf_signed_lines
from signerctl.exit_code import ExitCode
from signerctl.option import AuthorisationFrom, Out, Output, Purpose
from signerctl.pdf_level import PdfLevel
from signerctl.secret_source import read_secret
from signerctl.session import session

if TYPE_CHECKING:
    from types import ModuleType

app = typer.Typer(
    help="Signed PDF files (PAdES). Needs the extra signerd[pdf].", no_args_is_help=True
)

PdfIn = Annotated[Path, typer.Option("--in", help="PDF file; '-', the default, is standard input.")]


@app.callback()
def _group() -> None:
    """Signed PDF files (PAdES). Needs the extra signerd[pdf]."""


@app.command()
def sign(
    context: typer.Context,
    *,
    credential: Annotated[str, typer.Option(help="The key: its id, or credentials/ID.")],
    in_: PdfIn = STREAM,
    out: Out = STREAM,
    level: Annotated[
        PdfLevel,
        typer.Option(
            help="B-T has a time stamp, B-LT also all that is needed to validate it later."
        ),
    ] = PdfLevel.B_T,
    field: Annotated[
        str, typer.Option(help="Name of the signature field.", show_default="Signature")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why it is signed.", show_default=False)] = "",
    location: Annotated[str, typer.Option(help="Where it is signed.", show_default=False)] = "",
    purpose: Purpose = "",
    authorisation: AuthorisationFrom = "",
    output: Output = None,
) -> None:
    """Sign a PDF file. Only digests go to the daemon.

    \b
    Example:
      signerctl pdf sign --credential 0f3c… --in contract.pdf --out signed.pdf --level B-LT
    """
    with session(context, output) as now:
        pdf = _library()
        check_sink(out, is_text=False)
        signed = pdf.sign_pdf(
            now.client,
            credential,
            read(in_),
            level=pdf.PdfLevel(level.value),
            field=field,
            reason=reason,
            location=location,
            purpose=purpose,
            authorisation=read_secret(authorisation, "authorisation") if authorisation else "",
        )
        write(out, signed, is_text=False)
        if out != STREAM:
            now.printer.one(pdf.verify_pdf(now.client, signed), pdf_signed_lines)


@app.command()
def verify(
    context: typer.Context,
    *,
    in_: PdfIn = STREAM,
    output: Output = None,
) -> None:
    """Say of each signature in a PDF file whether it holds, and whether the file was changed since.

    Only signatures and digests go to the daemon. Prints what was found with every reason; the exit
    code is 0 when all signatures are valid, otherwise 1.

    \b
    Example:
      signerctl pdf verify --in signed.pdf
    """
    with session(context, output) as now:
        verdict = _library().verify_pdf(now.client, read(in_))
        now.printer.one(verdict, pdf_lines)
        now.printer.flush()
        if not verdict.valid:
            raise typer.Exit(ExitCode.NEGATIVE)


def _library() -> "ModuleType":
    """Loads pyHanko, which not everybody has. Raises ValueError."""
    try:
        return importlib.import_module("signerd_client.pdf")
    except ModuleNotFoundError as error:
        raise ValueError(
            f"PDF files need the package {error.name}: pip install 'signerd[pdf]'"
        ) from None
