"""signerctl cms: signed documents, CMS SignedData and plain PKCS#7."""

from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import (
    STREAM,
    CertificateFormat,
    check_sink,
    parse_digest,
    read,
    write,
)
from signerctl.document_view import cms_lines, signed_lines
from signerctl.exit_code import ExitCode
from signerctl.option import Digest, OptionalOut, Output, Purpose
from signerctl.secret_source import read_secret
from signerctl.session import session
from signerd_client import CmsForm, Hash

app = typer.Typer(help="Signed documents: CMS SignedData, PKCS#7.", no_args_is_help=True)

AuthorisationsFrom = Annotated[
    list[str] | None,
    typer.Option(
        "--authorisation",
        metavar="SOURCE",
        help="Where the subscriber's authorisation is: file:PATH, env:NAME or stdin. Once for each"
        " signer, in their order.",
        show_default=False,
    ),
]
Content = Annotated[
    Path | None,
    typer.Option("--in", help="File with the content; '-' is standard input.", show_default=False),
]


@app.callback()
def _group() -> None:
    """Signed documents: CMS SignedData (RFC 5652) and the plain PKCS#7 form."""


@app.command()
def sign(
    context: typer.Context,
    *,
    credential: Annotated[
        list[str],
        typer.Option(help="The key: its id, or credentials/ID. Once for each signer."),
    ],
    in_: Content = None,
    digest: Digest = None,
    cms: Annotated[
        Path | None,
        typer.Option(help="A signed message to add the signers to.", show_default=False),
    ] = None,
    detached: Annotated[
        bool, typer.Option("--detached", help="Leave the content out of the result.")
    ] = False,
    pkcs7: Annotated[
        bool, typer.Option("--pkcs7", help="The plain PKCS#7 form, without signed attributes.")
    ] = False,
    time_stamp: Annotated[
        bool, typer.Option("--time-stamp", help="Add a time stamp over each signature.")
    ] = False,
    purpose: Purpose = "",
    authorisation: AuthorisationsFrom = None,
    out: OptionalOut = None,
    format_: Annotated[
        CertificateFormat, typer.Option("--format", help="Encoding of the result.")
    ] = CertificateFormat.DER,
    output: Output = None,
) -> None:
    """Sign a file as CMS SignedData, with one key or several.

    Writes the message to --out (standard output when not given) and, when that is a file, prints
    which keys signed. With --digest the content stays here and the signature is detached. With
    --output json it prints all of that and the message in base64.

    \b
    Examples:
      signerctl cms sign --credential 0f3c… --in contract.pdf --out contract.p7m
      signerctl cms sign --credential 0f3c… --credential 77aa… --in order.xml --detached \\
        --time-stamp --out order.p7s
      signerctl cms sign --credential 77aa… --cms contract.p7m --out both.p7m
    """
    with session(context, output) as now:
        is_text = format_ is CertificateFormat.PEM
        sink = out or (None if now.printer.is_json else STREAM)
        if sink is not None:
            check_sink(sink, is_text=is_text)
        data, digest_bytes, hash_ = _content(in_, digest, is_required=cms is None)
        signed = now.client.sign_cms(
            credential,
            data=data,
            digest=digest_bytes,
            hash_algorithm=hash_,
            form=CmsForm.PKCS7 if pkcs7 else CmsForm.CMS,
            detached=detached,
            with_time_stamp=time_stamp,
            cms=b"" if cms is None else read(cms),
            purpose=purpose,
            authorisations=_authorisations(credential, authorisation or []),
        )
        if sink is not None:
            write(sink, signed.pem.encode() if is_text else signed.cms, is_text=is_text)
        if sink != STREAM:
            now.printer.one(signed, signed_lines)


@app.command()
def verify(
    context: typer.Context,
    *,
    cms: Annotated[Path, typer.Option(help="File with the signed message, DER or PEM.")],
    in_: Content = None,
    digest: Digest = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the content here, if valid.", show_default=False),
    ] = None,
    output: Output = None,
) -> None:
    """Say of each signer whether the signature holds and the certificate was good at the time.

    The time is that of the time stamp, where there is a good one, otherwise that which the signer
    claims, otherwise now. --in or --digest gives the content of a detached signature. Prints what
    was found with every reason; the exit code is 0 when all signers are valid, otherwise 1.

    \b
    Examples:
      signerctl cms verify --cms contract.p7m --out contract.pdf
      signerctl cms verify --cms order.p7s --in order.xml
    """
    with session(context, output) as now:
        if out is not None:
            check_sink(out, is_text=False)
        data, digest_bytes, hash_ = _content(in_, digest, is_required=False)
        verdict = now.client.verify_cms(
            read(cms), data=data, digest=digest_bytes, hash_algorithm=hash_
        )
        now.printer.one(verdict, cms_lines)
        now.printer.flush()
        if not verdict.valid:
            raise typer.Exit(ExitCode.NEGATIVE)
        if out is not None:
            write(out, verdict.data, is_text=False)


def _authorisations(credentials: list[str], sources: list[str]) -> dict[str, str]:
    if sources and len(sources) != len(credentials):
        raise ValueError("give --authorisation as often as --credential, or not at all")
    return {
        credential: read_secret(source, "authorisation")
        for credential, source in zip(credentials, sources, strict=False)
    }


def _content(
    in_: Path | None, digest: str | None, *, is_required: bool
) -> tuple[bytes | None, bytes | None, Hash | None]:
    if digest is not None:
        if in_ is not None:
            raise ValueError("give either --in or --digest")
        hash_, digest_bytes = parse_digest(digest)
        return None, digest_bytes, hash_
    if in_ is None and not is_required:
        return None, None, None
    return read(in_ or STREAM), None, None
