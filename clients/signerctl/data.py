"""Data from files and standard input, to files and standard output."""

import base64
import binascii
import ssl
import sys
from enum import StrEnum
from pathlib import Path
from typing import Final

from signerd_client import Hash

STREAM: Final = Path("-")


class DataError(ValueError):
    """What was given cannot be read or written; the message is for people."""


class Encoding(StrEnum):
    """How bytes are written: as they are, or as text with a newline."""

    RAW = "raw"
    BASE64 = "base64"
    HEX = "hex"


class CertificateFormat(StrEnum):
    """PEM is text (RFC 7468), DER is binary."""

    PEM = "pem"
    DER = "der"


def read(path: Path) -> bytes:
    """The content of a file; '-' is standard input. Raises DataError."""
    if path == STREAM:
        if sys.stdin.isatty():
            sys.stderr.write("signerctl: reading from the terminal, end with Ctrl-D\n")
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def read_certificate(path: Path) -> bytes:
    """A certificate, DER, from a file in PEM or DER. Raises DataError."""
    content = read(path)
    if not content.startswith(b"-----BEGIN"):
        return content
    try:
        return ssl.PEM_cert_to_DER_cert(content.decode("ascii"))
    except ValueError:
        raise DataError(f"{path} is no certificate in PEM") from None


def write(path: Path, data: bytes, *, is_text: bool) -> None:
    """To a file; '-' is standard output, which takes binary data only when it is no terminal.

    Raises DataError.
    """
    if path == STREAM:
        if not is_text and sys.stdout.isatty():
            raise DataError(
                "this is binary data, which would garble your terminal:"
                " write it to a file with --out, or choose a text encoding"
            )
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def check_sink(path: Path, *, is_text: bool) -> None:
    """Find out before anything is signed that the result could not be written."""
    if path == STREAM:
        if not is_text and sys.stdout.isatty():
            write(path, b"", is_text=False)
    elif not path.parent.is_dir():
        raise DataError(f"cannot write {path}: its directory does not exist")


def encode(data: bytes, encoding: Encoding) -> bytes:
    """Bytes in an encoding."""
    match encoding:
        case Encoding.RAW:
            return data
        case Encoding.BASE64:
            return base64.b64encode(data) + b"\n"
        case Encoding.HEX:
            return data.hex().encode() + b"\n"


def decode(data: bytes, encoding: Encoding) -> bytes:
    """Bytes out of an encoding. Raises DataError."""
    try:
        match encoding:
            case Encoding.RAW:
                return data
            case Encoding.BASE64:
                return base64.b64decode(b"".join(data.split()), validate=True)
            case Encoding.HEX:
                return bytes.fromhex(data.decode())
    except (binascii.Error, ValueError):
        raise DataError(f"the signature is not in the encoding {encoding}") from None


def parse_digest(text: str) -> tuple[Hash, bytes]:
    """The digest in HASH:HEX, such as sha256:9f86…. Raises DataError."""
    name, _, digits = text.partition(":")
    try:
        return Hash(name.lower().replace("-", "")), bytes.fromhex(digits)
    except ValueError:
        raise DataError(
            f"{text!r} is no digest: write HASH:HEX with one of {', '.join(Hash)},"
            " such as sha256:9f86d081884c7d65…"
        ) from None
