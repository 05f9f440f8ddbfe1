"""signerctl pdf: signed PDF files (PAdES)."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signerctl.data import STREAM, check_sink, read, write
from signerctl.document_view import pdf_lines, pdf_signed_lines
from signerctl.exit_code import ExitCode
from signerctl.option import AuthorisationFrom, Output, Purpose
from signerctl.pdf_level import PdfLevel
from signerctl.secret_source import read_secret
from signerctl.session import session

if TYPE_CHECKING:
    from types import ModuleType

app = typer.Typer(
    help="Signed PDF files (PAdES). Needs the extra signerd[pdf].", no_args_is_help=True
)

Source = Annotated[Path, typer.Argument(metavar="IN", help="PDF file; '-' is standard input.")]
Sink = Annotated[Path, typer.Argument(metavar="OUT", help="File to write; '-' is standard output.")]


@app.callback()
def _group() -> None:
    """Signed PDF files (PAdES). Needs the extra signerd[pdf]."""


@app.command()
def sign(
    context: typer.Context,
    *,
    source: Source,
    sink: Sink,
    credential: Annotated[str, typer.Option(help="The key: its id, or credentials/ID.")],
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
      signerctl pdf sign contract.pdf signed.pdf --credential 0f3c… --level B-LT
    """
    with session(context, output) as now:
        pdf = _library()
        check_sink(sink, is_text=False)
        signed = pdf.sign_pdf(
            now.client,
            credential,
            read(source),
            level=pdf.PdfLevel(level.value),
            field=field,
            reason=reason,
            location=location,
            purpose=purpose,
            authorisation=read_secret(authorisation, "authorisation") if authorisation else "",
        )
        write(sink, signed, is_text=False)
        if sink != STREAM:
            now.printer.one(pdf.verify_pdf(now.client, signed), pdf_signed_lines)


@app.command()
def verify(
    context: typer.Context,
    *,
    source: Source,
    output: Output = None,
) -> None:
    """Say of each signature in a PDF file whether it holds, and whether the file was changed since.

    Only signatures and digests go to the daemon. Prints what was found with every reason; the exit
    code is 0 when all signatures are valid, otherwise 1.

    \b
    Example:
      signerctl pdf verify signed.pdf
    """
    with session(context, output) as now:
        verdict = _library().verify_pdf(now.client, read(source))
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
