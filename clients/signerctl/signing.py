"""signerctl sign, signerctl verify."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from signerctl.data import (
    STREAM,
    DataError,
    Encoding,
    check_sink,
    decode,
    encode,
    parse_digest,
    read,
    read_certificate,
    write,
)
from signerctl.exit_code import ExitCode
from signerctl.option import (
    AuthorisationFrom,
    Digest,
    In,
    OptionalOut,
    Output,
    Purpose,
    SignatureEncoding,
    utc,
)
from signerctl.secret_source import read_secret
from signerctl.session import session
from signerctl.view import signature_lines, verification_lines
from signerd_client import Client, Hash, Signature

_BIG: Final = 4 << 20


def sign(
    context: typer.Context,
    *,
    credential: Annotated[str, typer.Option(help="The key: its id, or credentials/ID.")],
    in_: In = None,
    digest: Digest = None,
    out: OptionalOut = None,
    encoding: SignatureEncoding = Encoding.RAW,
    purpose: Purpose = "",
    authorisation: AuthorisationFrom = "",
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="Send it in pieces, whatever its size; a file of 4 MiB and more is anyway.",
        ),
    ] = False,
    output: Output = None,
) -> None:
    """Sign a file, standard input, or a digest.

    The algorithm is that of the key. Writes the signature to --out (standard output when not
    given) and, when that is a file, prints which key, algorithm and certificate made it. With
    --output json it prints all of that and the signature in base64.

    \b
    Examples:
      signerctl sign --credential 0f3c… --in payment.xml --out payment.sig
      signerctl sign --credential 0f3c… --digest sha256:9f86… --encoding base64
    """
    with session(context, output) as now:
        is_text = encoding is not Encoding.RAW
        sink = out or (None if now.printer.is_json else STREAM)
        if sink is not None:
            check_sink(sink, is_text=is_text)
        agreed = read_secret(authorisation)
        if digest is None and (stream or _is_big(in_)):
            signature = _sign_in_pieces(now.client, credential, in_, purpose, agreed)
        else:
            data, digest_bytes, hash_ = _input(in_, digest)
            signature = now.client.sign(
                credential,
                data=data,
                digest=digest_bytes,
                hash_algorithm=hash_,
                purpose=purpose,
                authorisation=agreed,
            )
        if sink is not None:
            write(sink, encode(signature.signature, encoding), is_text=is_text)
        if sink != STREAM:
            now.printer.one(signature, signature_lines)


def verify(
    context: typer.Context,
    *,
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
    in_: In = None,
    digest: Digest = None,
    encoding: SignatureEncoding = Encoding.RAW,
    signed_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="When it was signed (UTC), from a source you trust; now when not given.",
            show_default=False,
        ),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(help="How an RSA key off the token signed.", show_default=False),
    ] = None,
    output: Output = None,
) -> None:
    """Say whether a signature counts: made by the key over this data, its certificate in force.

    Prints "valid", or "NOT VALID" with every reason; the exit code is 0 or 1. What happened to the
    certificate after --signed-at does not matter.

    \b
    Example:
      signerctl verify --credential 0f3c… --in payment.xml --signature payment.sig
    """
    with session(context, output) as now:
        data, digest_bytes, hash_ = _input(in_, digest)
        verdict = now.client.verify(
            decode(read(signature), encoding),
            credential=credential,
            certificate=_certificate(certificate, certificate_file),
            data=data,
            digest=digest_bytes,
            hash_algorithm=hash_,
            verify_time=utc(signed_at),
            key_algorithm=algorithm,
        )
        now.printer.one(verdict, verification_lines)
        now.printer.flush()
        if not verdict.valid:
            raise typer.Exit(ExitCode.NEGATIVE)


def _certificate(name: str | None, file: Path | None) -> str | bytes | None:
    if file is None:
        return name
    if name is not None:
        raise ValueError("give either --certificate or --certificate-file")
    return read_certificate(file)


def _is_big(in_: Path | None) -> bool:
    try:
        return in_ is not None and in_ != STREAM and in_.stat().st_size >= _BIG
    except OSError:
        return False  # reading it says why


def _sign_in_pieces(
    client: Client, credential: str, in_: Path | None, purpose: str, authorisation: str
) -> Signature:
    document = sys.stdin.buffer if in_ is None or in_ == STREAM else in_
    try:
        return client.sign_document(
            credential, document, purpose=purpose, authorisation=authorisation
        )
    except OSError as error:
        raise DataError(f"cannot read {in_}: {error.strerror}") from None


def _input(in_: Path | None, digest: str | None) -> tuple[bytes | None, bytes | None, Hash | None]:
    if digest is None:
        return read(in_ or STREAM), None, None
    if in_ is not None:
        raise ValueError("give either --in or --digest")
    hash_, digest_bytes = parse_digest(digest)
    return None, digest_bytes, hash_
