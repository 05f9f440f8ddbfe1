"""signerctl certificate needs-renewal: a question that automation asks every day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from signerctl.duration import days_left, parse_duration
from signerctl.exit_code import ExitCode
from signerctl.option import CertificateName, Output
from signerctl.session import session
from signerctl.view import moment
from signerd_client import Certificate, CertificateState


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate needs renewal, and the exit code that says so.

    days_left: whole days until not_after_time; negative once it has passed. replaced_by: the
    certificate to go on with; empty where there is none.
    """

    certificate: str
    needs_renewal: bool
    exit_code: ExitCode
    explanation: str
    days_left: int
    not_after_time: datetime
    replaced_by: str


def judge(certificate: Certificate, now: datetime, within: timedelta) -> Verdict:
    """The verdict on a certificate at a moment of the daemon's clock.

    Raises ValueError for a state that this signerctl does not know.
    """
    left = certificate.not_after_time - now
    is_due = left <= within
    match certificate.state:
        case CertificateState.ACTIVE if left >= timedelta(0):
            code = ExitCode.RENEWAL_DUE if is_due else ExitCode.OK
        case CertificateState.ACTIVE | CertificateState.EXPIRED:
            code = ExitCode.EXPIRED
        case CertificateState.SUSPENDED:
            code = ExitCode.SUSPENDED
        case CertificateState.REVOKED:
            code = ExitCode.REVOKED
        case CertificateState.UNKNOWN:
            raise ValueError(
                f"this signerctl does not know the state that {certificate.name} is in:"
                " use one of the daemon's version"
            )
    return Verdict(
        certificate=certificate.name,
        needs_renewal=code is ExitCode.RENEWAL_DUE,
        exit_code=code,
        explanation=_explain(certificate, code, days_left(certificate.not_after_time, now)),
        days_left=days_left(certificate.not_after_time, now),
        not_after_time=certificate.not_after_time,
        replaced_by=certificate.replaced_by,
    )


def _explain(certificate: Certificate, code: ExitCode, days: int) -> str:
    end = moment(certificate.not_after_time)
    left = f"{days} {'day' if days == 1 else 'days'} left, until {end}"
    match code:
        case ExitCode.OK:
            said = f"needs no renewal: {left}"
        case ExitCode.RENEWAL_DUE if certificate.credential:
            said = f"needs renewal: {left}"
        case ExitCode.RENEWAL_DUE:
            said = f"needs a successor: {left}; its key is not on the token, so issue a new one"
        case ExitCode.EXPIRED:
            said = f"expired at {end}: it cannot be renewed, issue a new one"
        case ExitCode.SUSPENDED:
            said = "is suspended: resume it before it is renewed, or revoke it"
        case _ if certificate.replaced_by:
            said = f"was replaced: go on with {certificate.replaced_by}"
        case _:
            said = "is revoked: it cannot be renewed, reissue it or issue a new one"
    return f"{certificate.name} {said}"


def needs_renewal(
    context: typer.Context,
    *,
    certificate: CertificateName,
    within: Annotated[
        str, typer.Option(help="Due when no more than this is left: 12h, 30d or 2w.")
    ] = "30d",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing; the exit code says it.")
    ] = False,
    output: Output = None,
) -> None:
    """Say in the exit code whether a certificate needs renewal.

    0: no, it has time. 10: yes, renew it now. 11: it has expired. 12: it is suspended. 13: it is
    revoked, or was replaced. Any other code says why there is no answer. Prints one line of
    explanation, or with --output json a document. Days are counted by the daemon's clock.

    \b
    Example, to renew what is due:
      signerctl certificate needs-renewal 5f3a9c --quiet
      test $? -ne 10 || signerctl certificate renew 5f3a9c
    """
    with session(context, output) as now:
        limit = parse_duration(within)
        found = now.client.get_certificate(certificate)
        verdict = judge(found, now.client.server_info().current_time, limit)
        if not quiet:
            if now.printer.is_json:
                now.printer.one(verdict, lambda _verdict: {})
            else:
                now.printer.text(f"{verdict.explanation}\n")
            now.printer.flush()
        raise typer.Exit(verdict.exit_code)
