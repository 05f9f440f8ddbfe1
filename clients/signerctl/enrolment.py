"""signerctl enrolment: from an application to a certificate, or to the report of a loss."""

import os
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from signerctl.data import DataError
from signerctl.enrolment_view import (
    claimed_lines,
    enrolment_columns,
    enrolment_lines,
    proven_lines,
    sent_lines,
    step_columns,
    without_code,
)
from signerctl.option import ActivationOption, KeyGroup, Limit, Output, RequestId
from signerctl.proof import (
    BiometricSignature,
    BiometricStatement,
    EmailCodeFrom,
    IssueDateFrom,
    PasswordFrom,
    PhoneCodeFrom,
    ProofDocumentKind,
    ProofOptions,
    read_proof,
)
from signerctl.secret_source import FORMS, SOURCE, DocumentNumberFrom, read_secret
from signerctl.session import session
from signerctl.view import certificate_lines
from signerd_client import ActivationMode, EnrolmentPurpose, EnrolmentState, Factor, KeyAlgorithm

app = typer.Typer(
    help="Apply for certificates, prove identities, claim, report losses.", no_args_is_help=True
)

_PURPOSES = ", ".join(one for one in EnrolmentPurpose if one is not EnrolmentPurpose.UNKNOWN)

EnrolmentName = Annotated[
    str, typer.Argument(metavar="ENROLMENT", help="Its id, or enrolments/ID.")
]


@app.command(name="open")
def open_(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Argument(metavar="SUBSCRIBER", help="Your own customer number; registered.")
    ],
    purpose: Annotated[
        EnrolmentPurpose, typer.Option(metavar="PURPOSE", help=f"One of {_PURPOSES}.")
    ],
    certificate: Annotated[
        str, typer.Option(help="The one to reissue, or that was lost.", show_default=False)
    ] = "",
    profile: Annotated[str, typer.Option(help="Of a first certificate.", show_default=False)] = "",
    algorithm: Annotated[
        KeyAlgorithm | None,
        typer.Option(help="Of its key, made on the token.", show_default=False),
    ] = None,
    key_group: KeyGroup = "",
    activation: ActivationOption = ActivationMode.NONE,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Open an enrolment: apply for a certificate or its reissue, or report its loss.

    ISSUE needs --profile and --algorithm; REISSUE and LOSS_REPORT need --certificate. Prints the
    enrolment with the proofs that it needs, and the number that the customer quotes to support.

    \b
    Examples:
      signerctl enrolment open hong-gildong --purpose ISSUE \\
        --profile personal --algorithm RSA_2048_PKCS1_SHA256
      signerctl enrolment open hong-gildong --purpose REISSUE --certificate 5f3a9c
    """
    with session(context, output) as now:
        opened = now.client.open_enrolment(
            subscriber,
            purpose,
            profile=profile,
            key_algorithm=algorithm,
            certificate=certificate,
            key_group=key_group,
            activation=activation,
            request_id=request_id,
        )
        now.printer.one(opened, enrolment_lines)


@app.command(name="send-code")
def send_code(
    context: typer.Context,
    *,
    enrolment: EnrolmentName,
    to: Annotated[
        Factor, typer.Option(metavar="FACTOR", help="PHONE_CODE or EMAIL_CODE.")
    ] = Factor.PHONE_CODE,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Send a one-time code to the registered phone or e-mail address.

    It replaces the one before. Prints where it went, masked, and how long it is good for.

    \b
    Example:
      signerctl enrolment send-code 6a9f60a1 --to PHONE_CODE
    """
    with session(context, output) as now:
        now.printer.one(now.client.send_code(enrolment, to, request_id=request_id), sent_lines)


@app.command()
def prove(
    context: typer.Context,
    *,
    enrolment: EnrolmentName,
    document_kind: ProofDocumentKind = None,
    document_number_from: DocumentNumberFrom = "",
    issue_date_from: IssueDateFrom = "",
    phone_code_from: PhoneCodeFrom = "",
    email_code_from: EmailCodeFrom = "",
    password_from: PasswordFrom = "",
    biometric_statement: BiometricStatement = None,
    biometric_signature: BiometricSignature = None,
    authorisation_code_to: Annotated[
        Path | None,
        typer.Option(
            help="New file, which only you can read, for the authorisation code, instead of"
            " showing it.",
            show_default=False,
        ),
    ] = None,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Give one proof of the subscriber's identity.

    Give exactly one: the document (three options), a code, the password or the biometric
    assertion (two). Prints the enrolment with what is still needed. The proof that completes an
    application prints reference number and authorisation code too.

    \b
    Examples:
      signerctl enrolment prove 6a9f60a1 --document-kind DRIVERS_LICENCE \\
        --document-number-from file:licence.txt --issue-date-from file:issued.txt
      signerctl enrolment prove 6a9f60a1 --phone-code-from stdin
    """
    with session(context, output) as now:
        proof = read_proof(
            ProofOptions(
                document_kind=document_kind,
                document_number_from=document_number_from,
                issue_date_from=issue_date_from,
                phone_code_from=phone_code_from,
                email_code_from=email_code_from,
                password_from=password_from,
                biometric_statement=biometric_statement,
                biometric_signature=biometric_signature,
            )
        )
        if authorisation_code_to is not None:
            _check_new(authorisation_code_to)
        proven = now.client.prove_identity(enrolment, proof, request_id=request_id)
        if authorisation_code_to is not None and proven.authorisation is not None:
            _write_private(authorisation_code_to, proven.authorisation.authorisation_code)
            proven = without_code(proven)
        now.printer.one(proven, proven_lines)


@app.command()
def claim(
    context: typer.Context,
    *,
    reference_number: Annotated[
        str, typer.Argument(metavar="REFERENCE_NUMBER", help="13 digits, as it was given out.")
    ],
    authorisation_code_from: Annotated[
        str,
        typer.Option(
            metavar=SOURCE,
            help=f"Where the authorisation code is: {FORMS}. Never on the command line.",
        ),
    ] = "stdin",
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Exchange reference number and authorisation code for the certificate, once.

    Repeated with the same --request-id, it gets the same certificate. Prints the new certificate;
    the one that it replaces is revoked.

    \b
    Example:
      signerctl enrolment claim 1234567890128 --authorisation-code-from file:code.txt
    """
    with session(context, output) as now:
        claimed = now.client.claim_certificate(
            reference_number,
            read_secret(authorisation_code_from, "Authorisation code"),
            request_id=request_id,
        )
        now.printer.one(claimed, claimed_lines)


@app.command(name="report-loss")
def report_loss(
    context: typer.Context,
    *,
    enrolment: EnrolmentName,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Revoke the certificate of a report of loss, at once and for good.

    The enrolment was opened for LOSS_REPORT, and its proofs are given. Prints the certificate,
    revoked.

    \b
    Example:
      signerctl enrolment report-loss 6a9f60a1
    """
    with session(context, output) as now:
        now.printer.one(now.client.report_loss(enrolment, request_id=request_id), certificate_lines)


@app.command()
def show(
    context: typer.Context,
    *,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE",
            help="The number that the customer quotes to support, such as 7KQ2M-9XW4T; or the id"
            " of the enrolment.",
        ),
    ],
    output: Output = None,
) -> None:
    """Show an enrolment with its story: every step and every refusal, with its reason.

    There are no secrets and no personal data in it. Prints the enrolment and a table of the
    steps, oldest first.

    \b
    Example:
      signerctl enrolment show 7KQ2M-9XW4T
    """
    with session(context, output) as now:
        story = now.client.get_enrolment(reference)
        now.printer.one(story, lambda _story: enrolment_lines(story.enrolment))
        if not now.printer.is_json:
            now.printer.text("\n")
            now.printer.many(story.events, step_columns)


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Option(help="Only this subscriber's.", show_default=False)
    ] = "",
    state: Annotated[
        EnrolmentState | None, typer.Option(help="Only in this state.", show_default=False)
    ] = None,
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """List enrolments, newest first.

    Prints a table; with --output json one document a line.

    \b
    Example:
      signerctl enrolment list --subscriber hong-gildong --state OPEN
    """
    with session(context, output) as now:
        found = now.client.list_enrolments(subscriber=subscriber, state=state)
        now.printer.many(islice(found, limit or None), enrolment_columns)


@app.command()
def cancel(
    context: typer.Context,
    *,
    enrolment: EnrolmentName,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """End an enrolment that is not completed; its authorisation is void.

    Prints the enrolment, cancelled.

    \b
    Example:
      signerctl enrolment cancel 6a9f60a1
    """
    with session(context, output) as now:
        now.printer.one(
            now.client.cancel_enrolment(enrolment, request_id=request_id), enrolment_lines
        )


def _check_new(path: Path) -> None:
    """Find out before the proof is given that its fruit could not be written."""
    if path.exists():
        raise DataError(f"{path} is there already: name a new file for the authorisation code")
    if not path.parent.is_dir():
        raise DataError(f"cannot write {path}: its directory does not exist")


def _write_private(path: Path, secret: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
