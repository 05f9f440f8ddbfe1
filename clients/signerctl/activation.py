"""signerctl activation: what subscribers agree with to the use of their keys, and that they did."""

from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import STREAM, parse_digest, write
from signerctl.option import CredentialName, OptionalOut, Output, RequestId
from signerctl.secret_source import SOURCE, read_secret
from signerctl.session import session
from signerctl.view import authorisation_lines, sent_code_lines

app = typer.Typer(
    no_args_is_help=True, help="PINs, codes and authorisations of keys that require activation."
)

_FORMS = "file:PATH, env:NAME or stdin"


def _secret(what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar=SOURCE, help=f"Where {what} is: {_FORMS}.", show_default=False
    )
    return option


@app.command(name="set-pin")
def set_pin(
    context: typer.Context,
    *,
    credential: CredentialName,
    new_pin_from: Annotated[str, _secret("the new PIN")],
    current_pin_from: Annotated[str, _secret("the PIN in force")] = "",
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Set the PIN of a key, or change it: then the one in force is needed.

    For RA officers. What was authorised before is withdrawn.

    \b
    Example:
      signerctl activation set-pin 0f3c… --new-pin-from file:pin.txt
    """
    with session(context, output) as now:
        current = read_secret(current_pin_from)
        new = read_secret(new_pin_from)
        now.client.set_activation_pin(credential, new, current_pin=current, request_id=request_id)
        now.printer.remark("The PIN is set.")


@app.command(name="send-code")
def send_code(
    context: typer.Context,
    *,
    credential: CredentialName,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Send a one-time code to the phone that is registered for the subscriber.

    For signers.

    \b
    Example:
      signerctl activation send-code 0f3c…
    """
    with session(context, output) as now:
        sent = now.client.send_activation_code(credential, request_id=request_id)
        now.printer.one(sent, sent_code_lines)


@app.command()
def authorize(
    context: typer.Context,
    *,
    credential: CredentialName,
    pin_from: Annotated[str, _secret("the PIN")] = "",
    code_from: Annotated[str, _secret("the one-time code")] = "",
    count: Annotated[
        int, typer.Option(min=0, help="Signatures; 0 is as many as digests, or 1.")
    ] = 0,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            help="What alone may be signed: HASH:HEX; may be repeated.", show_default=False
        ),
    ] = None,
    request_id: RequestId = None,
    out: OptionalOut = None,
    output: Output = None,
) -> None:
    """Exchange PIN or code for an authorisation, which `signerctl sign` takes.

    For signers. Writes the authorisation, a secret, to --out, which only you can read; without
    --out to standard output.

    \b
    Example:
      signerctl activation authorize 0f3c… --pin-from file:pin.txt --out authorisation.txt
    """
    with session(context, output) as now:
        given = now.client.authorize_signing(
            credential,
            pin=read_secret(pin_from) or None,
            code=read_secret(code_from) or None,
            signature_count=count,
            digests=[parse_digest(one)[1] for one in digest or ()],
            request_id=request_id,
        )
        sink = out or (None if now.printer.is_json else STREAM)
        if sink is not None:
            _write_secret(sink, given.authorisation)
        if sink != STREAM:
            now.printer.one(given, authorisation_lines)


@app.command()
def unlock(
    context: typer.Context,
    *,
    credential: CredentialName,
    reset_pin: Annotated[
        bool, typer.Option("--reset-pin", help="Take the PIN away, which was forgotten.")
    ] = False,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Unlock a key after five wrong PINs or codes, once you know whom it serves.

    For RA officers.

    \b
    Example:
      signerctl activation unlock 0f3c… --reset-pin
    """
    with session(context, output) as now:
        is_set = now.client.unlock_activation(
            credential, reset_pin=reset_pin, request_id=request_id
        )
        now.printer.remark(
            "Unlocked; the PIN is in force."
            if is_set
            else "Unlocked; no PIN is set: set one with `signerctl activation set-pin`."
        )


def _write_secret(sink: Path, secret: str) -> None:
    if sink != STREAM:
        sink.touch(mode=0o600)
        sink.chmod(0o600)
    write(sink, f"{secret}\n".encode(), is_text=True)
