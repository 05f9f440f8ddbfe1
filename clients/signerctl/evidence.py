"""signerctl subscriber set-password, register-biometric-key: what identities are proven with."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from signerctl.data import DataError, read
from signerctl.enrolment_view import PasswordSet, password_lines
from signerctl.option import Output, RequestId
from signerctl.secret_source import FORMS, SOURCE, read_password
from signerctl.session import session

SubscriberName = Annotated[
    str, typer.Argument(metavar="SUBSCRIBER", help="Your own customer number.")
]


def set_password(
    context: typer.Context,
    *,
    subscriber: SubscriberName,
    new_password_from: Annotated[
        str,
        typer.Option(
            metavar=SOURCE,
            help=f"Where the new password is: {FORMS}. Never on the command line.",
        ),
    ] = "stdin",  # noqa: S107 - says where the password is
    current_password_from: Annotated[
        str,
        typer.Option(
            metavar=SOURCE,
            help=f"Where the one in force is, to change it: {FORMS}.",
            show_default=False,
        ),
    ] = "",
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Set the first password of a subscriber, or change it with the one in force.

    10 to 64 characters, hard to guess, none of the last ones. At a terminal it is asked for, and
    not shown. Prints when it has to be changed.

    \b
    Example:
      signerctl subscriber set-password hong-gildong --new-password-from file:password.txt
    """
    with session(context, output) as now:
        current = read_password(current_password_from, "Current password")
        new = read_password(new_password_from, "New password", twice=True)
        expires = now.client.set_password(
            subscriber, new, current_password=current, request_id=request_id
        )
        now.printer.one(PasswordSet(expires), password_lines)


def register_biometric_key(
    context: typer.Context,
    *,
    subscriber: SubscriberName,
    key: Annotated[
        Path,
        typer.Option(
            "--public-key", help="File with the public key, PEM or DER; '-' for standard input."
        ),
    ],
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Register the public key with which the bank's app signs biometric assertions.

    P-256, Ed25519 or RSA of at least 2048 bits; it replaces an earlier one.

    \b
    Example:
      signerctl subscriber register-biometric-key hong-gildong --public-key app.pub
    """
    with session(context, output) as now:
        now.client.register_biometric_key(subscriber, _spki(key), request_id=request_id)
        now.printer.remark("registered")


def _spki(path: Path) -> bytes:
    data = read(path)
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise DataError(f"{path} holds no public key in PEM (SubjectPublicKeyInfo)") from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
