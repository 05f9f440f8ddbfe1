"""signerctl certificate verify-identity: whose certificate it is."""

import typer

from signerctl.exit_code import ExitCode
from signerctl.option import CertificateName, Output
from signerctl.secret_source import IdentityNumberFrom, read_secret
from signerctl.session import session
from signerctl.view import identity_lines


def verify_identity(
    context: typer.Context,
    *,
    certificate: CertificateName,
    identity_number_from: IdentityNumberFrom,
    output: Output = None,
) -> None:
    """Say whether an identity number belongs to the holder of a certificate.

    For relying parties, and certificates with a virtual ID. Prints the answer and the state of
    the certificate; the exit code is 0 when it matches and 1 when not. After five wrong numbers
    in a row a certificate is not asked about for an hour.

    \b
    Example:
      signerctl certificate verify-identity 5f3a9c --identity-number-from file:number.txt
    """
    with session(context, output) as now:
        answer = now.client.verify_identity(certificate, read_secret(identity_number_from))
        now.printer.one(answer, identity_lines)
        now.printer.flush()
        if not answer.matches:
            raise typer.Exit(ExitCode.NEGATIVE)
