"""signerctl key: public keys."""

import typer

from signerctl.data import CertificateFormat, check_sink, write
from signerctl.option import CredentialName, Format, OptionalOut, Output
from signerctl.session import session
from signerctl.view import public_key_lines

app = typer.Typer(help="Public keys of credentials.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Public keys of credentials."""


@app.command()
def show(
    context: typer.Context,
    *,
    credential: CredentialName,
    out: OptionalOut = None,
    format_: Format = CertificateFormat.PEM,
    output: Output = None,
) -> None:
    """Show the public key of a credential, or write it to a file.

    Prints credential, algorithm and certificate, and the key as PEM (SubjectPublicKeyInfo).
    With --out only the key is written.

    \b
    Example:
      signerctl key show 0f3c… --out hong.pub
    """
    with session(context, output) as now:
        is_text = format_ is CertificateFormat.PEM
        if out is not None:
            check_sink(out, is_text=is_text)
        key = now.client.get_public_key(credential)
        if out is not None:
            write(out, key.pem.encode() if is_text else key.public_key, is_text=is_text)
            return
        now.printer.one(key, public_key_lines)
        if not now.printer.is_json:
            now.printer.text(key.pem)
