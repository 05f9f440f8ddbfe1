"""signerctl login: challenges, responses, verdicts."""

from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import (
    STREAM,
    DataError,
    Encoding,
    check_sink,
    decode,
    encode,
    read,
    read_certificate,
    write,
)
from signerctl.exit_code import ExitCode
from signerctl.option import (
    AuthorisationFrom,
    OptionalOut,
    Out,
    Output,
    RequestId,
    SignatureEncoding,
)
from signerctl.secret_source import read_secret
from signerctl.session import session
from signerctl.view import challenge_lines, login_lines, signature_lines

app = typer.Typer(no_args_is_help=True, help="Log customers in by certificate.")

_Statement = Annotated[
    Path, typer.Option("--challenge", help="File with the challenge; '-' is standard input.")
]


@app.command()
def challenge(
    context: typer.Context,
    *,
    domain: Annotated[str, typer.Option(help="What the customer knows you by.")],
    subscriber: Annotated[str, typer.Option(help="Who alone may answer.", show_default=False)] = "",
    certificate: Annotated[
        str, typer.Option(help="With which certificate alone.", show_default=False)
    ] = "",
    out: OptionalOut = None,
    output: Output = None,
) -> None:
    """Make a challenge, which counts once and for a short time.

    For relying parties. Writes what is to be signed to --out (standard output when not given).

    \b
    Example:
      signerctl login challenge --domain bank.example --out challenge.txt
    """
    with session(context, output) as now:
        made = now.client.create_challenge(domain, subscriber=subscriber, certificate=certificate)
        sink = out or (None if now.printer.is_json else STREAM)
        if sink is not None:
            write(sink, made.statement.encode(), is_text=True)
        if sink != STREAM:
            now.printer.one(made, challenge_lines)


@app.command()
def respond(
    context: typer.Context,
    *,
    challenge_file: _Statement,
    domain: Annotated[str, typer.Option(help="Whom the customer wants to log in with.")],
    credential: Annotated[str, typer.Option(help="The key: its id, or credentials/ID.")],
    out: Out = STREAM,
    encoding: SignatureEncoding = Encoding.RAW,
    authorisation: AuthorisationFrom = "",
    output: Output = None,
) -> None:
    """Sign a challenge, if it is one and of this domain.

    For signers.

    \b
    Example:
      signerctl login respond --challenge challenge.txt --domain bank.example \\
        --credential 0f3c… --out response.sig
    """
    with session(context, output) as now:
        is_text = encoding is not Encoding.RAW
        check_sink(out, is_text=is_text)
        signature = now.client.sign_login(
            credential,
            read(challenge_file),
            domain=domain,
            authorisation=read_secret(authorisation),
        )
        write(out, encode(signature.signature, encoding), is_text=is_text)
        if out != STREAM:
            now.printer.one(signature, signature_lines)


@app.command()
def verify(
    context: typer.Context,
    *,
    challenge_file: _Statement,
    signature: Annotated[Path, typer.Option(help="File with the signature.")],
    credential: Annotated[
        str | None, typer.Option(help="The key it should be of.", show_default=False)
    ] = None,
    certificate: Annotated[
        str | None,
        typer.Option(help="Or the certificate whose key it should be of.", show_default=False),
    ] = None,
    certificate_file: Annotated[
        Path | None,
        typer.Option(help="Or that certificate in a file, PEM or DER.", show_default=False),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(help="How an RSA key off the token signed.", show_default=False),
    ] = None,
    encoding: SignatureEncoding = Encoding.RAW,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Judge the response to a challenge of yours, and use the challenge up when it counts.

    For relying parties. Prints who logged in, or "NO" with every reason; the exit code is 0 or 1.

    \b
    Example:
      signerctl login verify --challenge challenge.txt --signature response.sig \\
        --certificate 5f3a9c…
    """
    if certificate is not None and certificate_file is not None:
        raise DataError("give either --certificate or --certificate-file")
    with session(context, output) as now:
        verdict = now.client.verify_challenge_response(
            read(challenge_file).decode(),
            decode(read(signature), encoding),
            credential=credential,
            certificate=read_certificate(certificate_file) if certificate_file else certificate,
            key_algorithm=algorithm,
            request_id=request_id,
        )
        now.printer.one(verdict, login_lines)
        now.printer.flush()
        if not verdict.valid:
            raise typer.Exit(ExitCode.NEGATIVE)
