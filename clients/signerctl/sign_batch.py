"""signerctl sign-batch."""

import base64
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

import typer

from signerctl.data import STREAM, check_sink, parse_digest, read, write
from signerctl.exit_code import ExitCode
from signerctl.option import AuthorisationFrom, OptionalOut, Output, Purpose
from signerctl.secret_source import read_secret
from signerctl.session import session
from signerd_client import Client, Hash, SignerdError, SignItem, SignResult

_BATCH: Final = 256
_HASH_CHUNK: Final = 1 << 20


def sign_batch(
    context: typer.Context,
    *,
    credential: Annotated[str, typer.Option(help="The key: its id, or credentials/ID.")],
    in_: Annotated[
        Path,
        typer.Option(
            "--in",
            help="File with what to sign, one a line: a digest as HASH:HEX; with --files the path"
            " of a file. '-' is standard input.",
        ),
    ] = STREAM,
    files: Annotated[
        Hash | None,
        typer.Option(
            "--files",
            help="Lines are paths; the files are hashed here with this hash, which must be the"
            " key's.",
            show_default=False,
        ),
    ] = None,
    out: OptionalOut = None,
    purpose: Purpose = "",
    authorisation: AuthorisationFrom = "",
    stream: Annotated[
        bool,
        typer.Option(
            "--stream", help="Send as on a line that stays open, instead of 256 in a call."
        ),
    ] = False,
    output: Output = None,
) -> None:
    """Sign many digests or files with one key.

    Writes a line for each line of the input, in its order: the signature in base64, or an empty
    line for what was refused, of which standard error says why. The exit code is 1 then. With
    --output json every line is a document with number, signature and error.

    \b
    Examples:
      signerctl sign-batch --credential 0f3c… --in digests.txt --out signatures.txt
      find orders -name '*.xml' | signerctl sign-batch --credential 0f3c… --files sha256
    """
    with session(context, output) as now:
        sink = out or STREAM
        check_sink(sink, is_text=True)
        send = _streamed if stream else _batches
        lines = [line for line in read(in_).decode().splitlines() if line.strip()]
        agreed = read_secret(authorisation)
        items = (_item(credential, line.strip(), files, purpose, agreed) for line in lines)
        results = list(send(now.client, items))
        signed = [_Line.of(number, result) for number, result in enumerate(results, 1)]
        if now.printer.is_json:
            now.printer.many(signed, lambda _: {})
        else:
            for one in signed:
                if one.error is not None:
                    typer.echo(f"line {one.number}: {one.error}", err=True)
            write(sink, b"".join(one.text for one in signed), is_text=True)
        now.printer.flush()
        if any(one.error is not None for one in signed):
            raise typer.Exit(ExitCode.NEGATIVE)


@dataclass(frozen=True, slots=True)
class _Line:
    """What came of a line. error: message and reason."""

    number: int
    signature: bytes
    error: str | None

    @classmethod
    def of(cls, number: int, result: SignResult) -> Self:
        if isinstance(result, SignerdError):
            return cls(number, b"", f"{result.message} [{result.reason}]")
        return cls(number, result.signature, None)

    @property
    def text(self) -> bytes:
        """As it is written."""
        return base64.b64encode(self.signature) + b"\n"


def _item(
    credential: str, line: str, files: Hash | None, purpose: str, authorisation: str
) -> SignItem:
    if files is None:
        hash_, digest = parse_digest(line)
    else:
        hash_, digest = files, _digest_of(Path(line), files)
    return SignItem(
        credential,
        digest=digest,
        hash_algorithm=hash_,
        purpose=purpose,
        authorisation=authorisation,
    )


def _digest_of(path: Path, hash_: Hash) -> bytes:
    hashed = hashlib.new(hash_)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_HASH_CHUNK):
                hashed.update(chunk)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    return hashed.digest()


def _batches(client: Client, items: Iterable[SignItem]) -> Iterator[SignResult]:
    remaining = iter(items)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield from client.batch_sign(batch)


def _streamed(client: Client, items: Iterable[SignItem]) -> Iterator[SignResult]:
    return client.sign_stream(items)
