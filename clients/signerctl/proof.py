"""The options of a proof of identity, and the proof that they make."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import DataError, read
from signerctl.secret_source import FORMS, SOURCE, read_password, read_secret
from signerd_client import BiometricProof, CodeProof, DocumentKind, DocumentProof, Factor
from signerd_client.proof import PasswordProof, Proof

_KINDS = ", ".join(kind for kind in DocumentKind if kind is not DocumentKind.UNKNOWN)

ProofDocumentKind = Annotated[
    DocumentKind | None,
    typer.Option(metavar="KIND", help=f"Document: what it is, {_KINDS}.", show_default=False),
]
IssueDateFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where its date of issue is, as 2026-11-24: {FORMS}.",
        show_default=False,
    ),
]
PhoneCodeFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the code is that was sent to the phone: {FORMS}.",
        show_default=False,
    ),
]
EmailCodeFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the code is that was sent by e-mail: {FORMS}.",
        show_default=False,
    ),
]
PasswordFrom = Annotated[
    str,
    typer.Option(
        metavar=SOURCE,
        help=f"Where the password is: {FORMS}. Never on the command line.",
        show_default=False,
    ),
]
BiometricStatement = Annotated[
    Path | None,
    typer.Option(help="File with the statement of the bank's app.", show_default=False),
]
BiometricSignature = Annotated[
    Path | None,
    typer.Option(help="File with its signature by the registered key.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What was given; of what was not, the option's empty value."""

    document_kind: DocumentKind | None
    document_number_from: str
    issue_date_from: str
    phone_code_from: str
    email_code_from: str
    password_from: str
    biometric_statement: Path | None
    biometric_signature: Path | None


def read_proof(options: ProofOptions) -> Proof:
    """The one proof that the options make; reads what they name. Raises DataError."""
    document = (options.document_kind, options.document_number_from, options.issue_date_from)
    biometric = (options.biometric_statement, options.biometric_signature)
    chosen = (
        any(document),
        any(biometric),
        bool(options.phone_code_from),
        bool(options.email_code_from),
        bool(options.password_from),
    )
    if sum(chosen) != 1:
        raise DataError(
            "give exactly one proof: the document, a code, the password or the biometric assertion"
        )
    if any(document):
        return _document(options)
    if any(biometric):
        return _biometric(options)
    if options.password_from:
        return PasswordProof(read_password(options.password_from, "Password"))
    factor = Factor.PHONE_CODE if options.phone_code_from else Factor.EMAIL_CODE
    source = options.phone_code_from or options.email_code_from
    return CodeProof(factor, read_secret(source, "One-time code"))


def _document(options: ProofOptions) -> DocumentProof:
    kind, number_from = options.document_kind, options.document_number_from
    if kind is None or not number_from or not options.issue_date_from:
        raise DataError(
            "a document needs --document-kind, --document-number-from and --issue-date-from"
        )
    number = read_secret(number_from, "Number of the document")
    try:
        issued = date.fromisoformat(read_secret(options.issue_date_from, "Date of issue"))
    except ValueError:
        # Not repeated: it proves who has the document.
        raise DataError("the date of issue is not in the form 2026-11-24") from None
    return DocumentProof(kind, number, issued)


def _biometric(options: ProofOptions) -> BiometricProof:
    statement, signature = options.biometric_statement, options.biometric_signature
    if statement is None or signature is None:
        raise DataError(
            "a biometric assertion needs --biometric-statement and --biometric-signature"
        )
    try:
        text = read(statement).decode("ascii").removesuffix("\n")
    except UnicodeDecodeError:
        raise DataError(f"{statement} is not ASCII text") from None
    return BiometricProof(text, read(signature))
