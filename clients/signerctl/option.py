"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import CertificateFormat, Encoding
from signerctl.printer import OutputFormat
from signerd_client import ActivationMode

Output = Annotated[
    OutputFormat | None,
    typer.Option("--output", "-o", help="table for people or json for programs."),
]
RequestId = Annotated[
    str | None,
    typer.Option(
        help="UUID of this change; repeat a command with the id it failed with, and the change"
        " is never made twice. Chosen for you when not given.",
        show_default=False,
    ),
]
ValidateOnly = Annotated[bool, typer.Option("--validate-only", help="Check all, change nothing.")]
CertificateName = Annotated[
    str, typer.Argument(metavar="CERTIFICATE", help="Serial number, or certificates/SERIAL.")
]
CredentialName = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="Its id, or credentials/ID.")
]
ExpiresFrom = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Only those that expire at or after this time (UTC).",
        show_default=False,
    ),
]
ExpiresBefore = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Only those that expire before this time (UTC).",
        show_default=False,
    ),
]
KeyGroup = Annotated[str, typer.Option(help="Group of the key.", show_default=False)]
Limit = Annotated[int, typer.Option(min=0, help="At most so many; 0 is all.")]
In = Annotated[
    Path | None,
    typer.Option("--in", help="File with the data; '-', the default, is standard input."),
]
Digest = Annotated[
    str | None,
    typer.Option(help="Instead of data: HASH:HEX, such as sha256:9f86…", show_default=False),
]
Out = Annotated[Path, typer.Option("--out", help="File to write; '-' is standard output.")]
OptionalOut = Annotated[
    Path | None,
    typer.Option("--out", help="File to write; '-' is standard output.", show_default=False),
]
Format = Annotated[CertificateFormat, typer.Option("--format", help="Encoding of the file.")]
Purpose = Annotated[
    str, typer.Option(help="What it is for; put on the audit record.", show_default=False)
]
ActivationOption = Annotated[
    ActivationMode,
    typer.Option(
        metavar="ACTIVATION",
        help="REQUIRED: the key signs with the subscriber's agreement only; or NONE.",
    ),
]
AuthorisationFrom = Annotated[
    str,
    typer.Option(
        "--authorisation",
        metavar="SOURCE",
        help="Where the subscriber's authorisation is: file:PATH, env:NAME or stdin.",
        show_default=False,
    ),
]
SignatureEncoding = Annotated[Encoding, typer.Option(help="How the signature is written.")]


def utc(moment: datetime | None) -> datetime | None:
    """A time from the command line, which is UTC, with its zone."""
    return moment.replace(tzinfo=UTC) if moment is not None else None
