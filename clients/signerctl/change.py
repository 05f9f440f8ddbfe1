"""signerctl certificate suspend, resume, revoke: acts that make no new certificate."""

import sys
from typing import Annotated

import typer

from signerctl.exit_code import ExitCode
from signerctl.option import CertificateName, Output, RequestId, ValidateOnly
from signerctl.session import session
from signerctl.view import certificate_lines
from signerd_client import RevocationReason


def suspend(
    context: typer.Context,
    *,
    certificate: CertificateName,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    output: Output = None,
) -> None:
    """Put an active certificate on hold.

    From the answer on its key does not sign, until it is resumed. After six months it is revoked;
    its expiry stays what it is. Prints the certificate, suspended.

    \b
    Example:
      signerctl certificate suspend 5f3a9c
    """
    with session(context, output) as now:
        suspended = now.client.suspend_certificate(
            certificate, request_id=request_id, validate_only=validate_only
        )
        now.printer.one(suspended, certificate_lines)


def resume(
    context: typer.Context,
    *,
    certificate: CertificateName,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    output: Output = None,
) -> None:
    """Take a certificate off hold; its key signs again.

    Not for whoever may suspend: it needs the role ra-supervisor. Prints the certificate, active.

    \b
    Example:
      signerctl certificate resume 5f3a9c
    """
    with session(context, output) as now:
        resumed = now.client.resume_certificate(
            certificate, request_id=request_id, validate_only=validate_only
        )
        now.printer.one(resumed, certificate_lines)


def revoke(
    context: typer.Context,
    *,
    certificate: CertificateName,
    reason: Annotated[
        RevocationReason, typer.Option(help="Why (RFC 5280).")
    ] = RevocationReason.UNSPECIFIED,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    request_id: RequestId = None,
    validate_only: ValidateOnly = False,
    output: Output = None,
) -> None:
    """Revoke a certificate for good.

    From the answer on its key never signs again; this cannot be undone. Asks first, unless --yes
    is given. Prints the certificate, revoked.

    \b
    Example:
      signerctl certificate revoke 5f3a9c --reason KEY_COMPROMISE --yes
    """
    with session(context, output) as now:
        if not (yes or validate_only) and not _confirmed(certificate):
            raise typer.Exit(ExitCode.NEGATIVE)
        revoked = now.client.revoke_certificate(
            certificate, reason, request_id=request_id, validate_only=validate_only
        )
        now.printer.one(revoked, certificate_lines)


def _confirmed(certificate: str) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("revoking cannot be undone: give --yes, as there is nobody to ask here")
    return typer.confirm(f"Revoke {certificate} for good?", err=True)
