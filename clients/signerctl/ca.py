"""signerctl ca: the certificates of the CA."""

import typer

from signerctl.data import STREAM, write
from signerctl.option import Out, Output
from signerctl.session import session
from signerd_client.certificate import pem_encode

app = typer.Typer(help="Certificates of the CA.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Certificates of the CA."""


@app.command()
def chain(context: typer.Context, out: Out = STREAM, output: Output = None) -> None:
    """Write the CA's certificates: the issuing CA first, the root last.

    Prints PEM, or with --output json the DER of each in base64.

    \b
    Example:
      signerctl ca chain --out chain.pem
    """
    with session(context, output) as now:
        certificates = now.client.get_ca_chain()
        if now.printer.is_json:
            now.printer.one({"certificates": certificates}, lambda _chain: {})
        else:
            pem = "".join(pem_encode("CERTIFICATE", der) for der in certificates)
            write(out, pem.encode(), is_text=True)
