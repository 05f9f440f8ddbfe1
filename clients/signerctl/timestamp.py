"""signerctl timestamp: time stamps (RFC 3161)."""

import hashlib
import secrets
from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import STREAM, check_sink, parse_digest, read, write
from signerctl.document_view import time_stamp_lines, time_stamped_lines
from signerctl.exit_code import ExitCode
from signerctl.option import Digest, In, OptionalOut, Output
from signerctl.session import session
from signerd_client import Hash

app = typer.Typer(help="Time stamps (RFC 3161).", no_args_is_help=True)

_NONCE_BYTES = 16


@app.callback()
def _group() -> None:
    """Time stamps (RFC 3161) by the daemon's time-stamping authority."""


@app.command()
def create(
    context: typer.Context,
    *,
    in_: In = None,
    digest: Digest = None,
    query: Annotated[
        Path | None,
        typer.Option(
            help="Or a file with a TimeStampReq, as openssl ts -query makes it.",
            show_default=False,
        ),
    ] = None,
    out: OptionalOut = None,
    output: Output = None,
) -> None:
    """Have a file, a digest or a query time stamped.

    Only the SHA-256 digest of a file goes to the daemon. Writes the TimeStampResp (DER) to --out
    (standard output when not given) and, when that is a file, prints what it says.

    \b
    Examples:
      signerctl timestamp create --in contract.pdf --out contract.tsr
      signerctl timestamp create --query request.tsq --out response.tsr
    """
    with session(context, output) as now:
        sink = out or (None if now.printer.is_json else STREAM)
        if sink is not None:
            check_sink(sink, is_text=False)
        if query is not None:
            if in_ is not None or digest is not None:
                raise ValueError("give only one of --query, --in and --digest")
            stamp = now.client.create_timestamp(request=read(query))
        else:
            digest_bytes, hash_ = _digest(in_, digest)
            stamp = now.client.create_timestamp(
                digest=digest_bytes,
                hash_algorithm=hash_,
                nonce=secrets.token_bytes(_NONCE_BYTES),
            )
        if sink is not None:
            write(sink, stamp.response, is_text=False)
        if sink != STREAM:
            now.printer.one(stamp, time_stamped_lines)


@app.command()
def verify(
    context: typer.Context,
    *,
    time_stamp: Annotated[
        Path, typer.Option(help="File with the time stamp: TimeStampResp or token, DER.")
    ],
    in_: In = None,
    digest: Digest = None,
    output: Output = None,
) -> None:
    """Say whether a time stamp is of this file and its authority's certificate was good.

    Prints what it says and, where it does not verify, every reason; the exit code is 0 or 1.

    \b
    Example:
      signerctl timestamp verify --time-stamp contract.tsr --in contract.pdf
    """
    with session(context, output) as now:
        digest_bytes, hash_ = (None, None) if digest is None else _digest(in_, digest)
        verdict = now.client.verify_timestamp(
            read(time_stamp),
            data=read(in_ or STREAM) if digest is None else None,
            digest=digest_bytes,
            hash_algorithm=hash_,
        )
        now.printer.one(verdict, time_stamp_lines)
        now.printer.flush()
        if not verdict.valid:
            raise typer.Exit(ExitCode.NEGATIVE)


def _digest(in_: Path | None, digest: str | None) -> tuple[bytes, Hash]:
    if digest is None:
        return hashlib.sha256(read(in_ or STREAM)).digest(), Hash.SHA256
    if in_ is not None:
        raise ValueError("give either --in or --digest")
    hash_, digest_bytes = parse_digest(digest)
    return digest_bytes, hash_
