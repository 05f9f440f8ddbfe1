"""signerctl audit prove, signerctl audit check-proof."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding as X509Encoding

from signerctl.data import STREAM, Encoding, check_sink, decode, read, write
from signerctl.exit_code import ExitCode
from signerctl.failure import report_usage
from signerctl.option import Output, SignatureEncoding
from signerctl.printer import Printer
from signerctl.proof_view import proven_lines
from signerctl.session import Connection, session
from signerd_client.audit_proof import AuditProof, ProofError
from signerd_client.proof_check import check_proof, require_filed


def prove(
    context: typer.Context,
    *,
    signature: Annotated[
        Path | None,
        typer.Argument(metavar="[SIGNATURE]", help="File with the signature.", show_default=False),
    ] = None,
    credential: Annotated[
        str,
        typer.Option(
            help="The key that made it; without it all records are looked through, which takes its"
            " time.",
            show_default=False,
        ),
    ] = "",
    digest: Annotated[
        str,
        typer.Option(
            help="Instead of the signature what was signed: HASH:HEX, such as sha256:9f86…",
            show_default=False,
        ),
    ] = "",
    position: Annotated[
        int | None,
        typer.Option(
            min=1, help="Or any record, by its position in `audit list`.", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="File to write (ZIP); '-' is standard output.")],
    encoding: SignatureEncoding = Encoding.RAW,
    output: Output = None,
) -> None:
    """Write a proof that a signature, or anything else, is on record.

    Whoever has the proof and the root CA's certificate verifies it without this daemon: with
    `signerctl audit check-proof`, or with openssl and sha256sum as examples/check_proof.sh does.
    A record of the last minute first gets its checkpoint, which takes about a second.

    \b
    Example:
      signerctl audit prove payment.sig --credential 0f3c… --out proof.zip
    """
    with session(context, output) as now:
        check_sink(out, is_text=False)
        proof = now.client.prove_audit_record(
            position=position,
            credential=credential,
            signature=None if signature is None else decode(read(signature), encoding),
            digest=digest,
        )
        # What the daemon answered proves nothing until somebody has checked it.
        proven = check_proof(proof, proof.ca_certificates[-1:])
        write(out, proof.to_zip(), is_text=False)
        if out != STREAM:
            now.printer.one(proven, proven_lines)


def check_proof_(
    context: typer.Context,
    *,
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="File with the proof.")],
    ca: Annotated[
        Path, typer.Option(help="PEM file of the root CA that you trust, not from the proof.")
    ],
    in_: Annotated[
        Path | None,
        typer.Option("--in", help="What was signed, to be compared.", show_default=False),
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option(
            help="A copy of the daemon's checkpoint file, kept by somebody else; the checkpoint has"
            " to be in it.",
            show_default=False,
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Say what a proof proves. Asks no daemon.

    Prints the record, when it was there at the latest, and whose signature it is; the exit code is
    0. Where anything does not hold it prints "NOT PROVEN" with the reason, and the exit code is 1.
    With --in the document is compared with what was signed, with --checkpoint-file the checkpoint
    with the one that somebody else kept.

    \b
    Example:
      signerctl audit check-proof proof.zip --ca root.pem --in payment.xml
    """
    connection: Connection = context.obj
    printer = Printer(output or connection.output)
    try:
        content, roots = read(proof), _read_roots(ca)
        data = None if in_ is None else read(in_)
    except ValueError as error:
        raise typer.Exit(report_usage(str(error), as_json=printer.is_json)) from None
    try:
        read_proof = AuditProof.from_zip(content)
        proven = check_proof(read_proof, roots, data=data)
        if checkpoint_file is not None:
            with checkpoint_file.open("rb") as lines:
                require_filed(read_proof, lines)
    except OSError as error:
        message = f"cannot read {checkpoint_file}: {error.strerror}"
        raise typer.Exit(report_usage(message, as_json=printer.is_json)) from None
    except ProofError as error:
        printer.one({"proven": False, "why": str(error)}, _refusal_lines)
        raise typer.Exit(ExitCode.NEGATIVE) from None
    printer.one(proven, proven_lines)


def _refusal_lines(refusal: dict[str, object]) -> dict[str, str]:
    return {"proof": "NOT PROVEN", "why": str(refusal["why"])}


def _read_roots(path: Path) -> list[bytes]:
    try:
        certificates = x509.load_pem_x509_certificates(read(path))
    except ValueError as error:
        raise ValueError(f"{path} is no PEM file with certificates: {error}") from None
    return [certificate.public_bytes(X509Encoding.DER) for certificate in certificates]
