"""signerctl subscriber: who subscribers are."""

import sys
from typing import Annotated

import typer

from signerctl.exit_code import ExitCode
from signerctl.option import Output, RequestId
from signerctl.secret_source import DocumentNumberFrom, IdentityNumberFrom, read_secret
from signerctl.session import session
from signerctl.view import subscriber_columns, subscriber_lines
from signerd_client import DocumentKind, PersonalData

app = typer.Typer(
    help="Register, change, show, find and erase subscribers; set passwords and keys.",
    no_args_is_help=True,
)

_KINDS = ", ".join(kind for kind in DocumentKind if kind is not DocumentKind.UNKNOWN)

SubscriberName = Annotated[
    str, typer.Argument(metavar="SUBSCRIBER", help="Your own customer number.")
]
Branch = Annotated[
    str, typer.Option(help="Number of the bank branch, 3 digits.", show_default=False)
]
Language = Annotated[str, typer.Option(help="Of messages: ko or en.", show_default=False)]
Account = Annotated[str, typer.Option(help="Bank account, digits and hyphens.", show_default=False)]
Phone = Annotated[
    str, typer.Option(help="International form, such as +821012345678.", show_default=False)
]
Email = Annotated[str, typer.Option(help="E-mail address.", show_default=False)]


@app.command()
def register(
    context: typer.Context,
    *,
    subscriber: SubscriberName,
    name: Annotated[str, typer.Option(help="Name as it will stand in certificates.")],
    document_kind: Annotated[
        DocumentKind, typer.Option(metavar="KIND", help=f"Identity document, one of {_KINDS}.")
    ],
    document_number_from: DocumentNumberFrom,
    account: Annotated[str, typer.Option(help="Bank account, digits and hyphens.")],
    phone: Annotated[str, typer.Option(help="International form, such as +821012345678.")],
    email: Annotated[str, typer.Option(help="E-mail address.")],
    branch: Branch = "",
    language: Language = "",
    identity_number_from: IdentityNumberFrom = "",
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Register a person or business.

    Personal data is stored encrypted; the identity number, which certificates with a virtual ID
    need, is used for that and forgotten. Prints the subscriber, personal data masked.

    \b
    Example:
      signerctl subscriber register hong-gildong --name 홍길동 --branch 041 \\
        --document-kind DRIVERS_LICENCE --document-number-from file:licence.txt \\
        --account 110-123-456789 --phone +821012345678 --email hong@example.com \\
        --identity-number-from stdin < number.txt
    """
    with session(context, output) as now:
        data = PersonalData(
            document_kind=document_kind,
            document_number=read_secret(document_number_from),
            account=account,
            phone=phone,
            email=email,
            language=language,
        )
        registered = now.client.register_subscriber(
            subscriber,
            name,
            data,
            branch=branch,
            identity_number=read_secret(identity_number_from),
            request_id=request_id,
        )
        now.printer.one(registered, subscriber_lines)


@app.command()
def update(
    context: typer.Context,
    *,
    subscriber: SubscriberName,
    name: Annotated[str, typer.Option(help="New name.", show_default=False)] = "",
    document_kind: Annotated[
        DocumentKind | None,
        typer.Option(
            metavar="KIND", help=f"Of a new document, one of {_KINDS}.", show_default=False
        ),
    ] = None,
    document_number_from: DocumentNumberFrom = "",
    account: Account = "",
    phone: Phone = "",
    email: Email = "",
    branch: Branch = "",
    language: Language = "",
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Change what is registered of a subscriber.

    What is not given stays as it is. Prints the subscriber, personal data masked.

    \b
    Example:
      signerctl subscriber update hong-gildong --phone +821087654321
    """
    with session(context, output) as now:
        updated = now.client.update_subscriber(
            subscriber,
            real_name=name,
            branch=branch,
            document_kind=document_kind,
            document_number=read_secret(document_number_from),
            account=account,
            phone=phone,
            email=email,
            language=language,
            request_id=request_id,
        )
        now.printer.one(updated, subscriber_lines)


@app.command()
def show(context: typer.Context, subscriber: SubscriberName, output: Output = None) -> None:
    """Show one subscriber, personal data masked.

    \b
    Example:
      signerctl subscriber show hong-gildong
    """
    with session(context, output) as now:
        now.printer.one(now.client.get_subscriber(subscriber), subscriber_lines)


@app.command()
def find(
    context: typer.Context,
    *,
    account: Account = "",
    phone: Phone = "",
    email: Email = "",
    document_number_from: DocumentNumberFrom = "",
    output: Output = None,
) -> None:
    """Find subscribers by exactly one of account, phone, e-mail address and document.

    Prints a table, personal data masked; the exit code is 0 when there is one and 1 when not.

    \b
    Example:
      signerctl subscriber find --phone +821012345678
    """
    with session(context, output) as now:
        found = now.client.find_subscribers(
            account=account,
            phone=phone,
            email=email,
            document_number=read_secret(document_number_from),
        )
        now.printer.many(found, subscriber_columns)
        now.printer.flush()
        if not found:
            raise typer.Exit(ExitCode.NEGATIVE)


@app.command()
def erase(
    context: typer.Context,
    *,
    subscriber: SubscriberName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    request_id: RequestId = None,
    output: Output = None,
) -> None:
    """Erase a subscriber's personal data for good.

    Certificates and audit records stay. Certificates that are valid or suspended must be revoked
    first. Asks first, unless --yes is given. Prints the subscriber, without personal data.

    \b
    Example:
      signerctl subscriber erase hong-gildong --yes
    """
    with session(context, output) as now:
        if not yes and not _confirmed(subscriber):
            raise typer.Exit(ExitCode.NEGATIVE)
        erased = now.client.erase_subscriber(subscriber, request_id=request_id)
        now.printer.one(erased, subscriber_lines)


def _confirmed(subscriber: str) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("erasing cannot be undone: give --yes, as there is nobody to ask here")
    return typer.confirm(f"Erase the personal data of {subscriber} for good?", err=True)
