"""signerctl batch: certificates for a file of customers."""

import asyncio
import csv
import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from signerctl.batch_journal import Journal, Terms, open_journal, replace_file
from signerctl.batch_run import issue_to_all
from signerctl.customer import Customer, read_customers
from signerctl.data import DataError
from signerctl.exit_code import ExitCode, exit_code_of
from signerctl.option import KeyGroup, Output
from signerctl.progress import progress
from signerctl.session import Connection, session, target_of
from signerctl.view import Row
from signerd_client import AsyncClient, Certificate, Client, KeyAlgorithm, SignerdError

app = typer.Typer(help="Certificates for many customers.", no_args_is_help=True)

_REPORT: Final = "report.csv"


@app.callback()
def _group() -> None:
    """Certificates for many customers."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a batch stands at the end of a run.

    issued: customers with a certificate, issued_now: those of them that got it in this run.
    failed: refused in this run. pending: not asked for, or without an answer.
    """

    batch: str
    customers: int
    issued: int
    issued_now: int
    failed: int
    pending: int
    seconds: float
    report: str


@app.command()
def issue(
    context: typer.Context,
    *,
    customers: Annotated[
        Path,
        typer.Argument(
            metavar="CUSTOMERS.CSV", help="CSV with a header line: subscriber, name, and more."
        ),
    ],
    profile: Annotated[str, typer.Option(help="Profile; `signerctl server info` lists them.")],
    out: Annotated[Path, typer.Option(help="Directory of the batch; made when it is not there.")],
    algorithm: Annotated[
        KeyAlgorithm,
        typer.Option(metavar="ALGORITHM", help=f"Of the keys, one of {', '.join(KeyAlgorithm)}."),
    ] = KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    key_group: KeyGroup = "",
    at_once: Annotated[
        int, typer.Option(min=1, max=512, help="Calls under way at the same time.")
    ] = 32,
    output: Output = None,
) -> None:
    """Issue a certificate to each customer of a file, with a key on the token.

    The columns are subscriber and name, and where there are such email, branch_code and
    identity_number; others are ignored. The directory gets certificates/SUBSCRIBER.pem and
    report.csv: subscriber, status (issued, failed, pending), certificate, error.

    Interrupted in any way, the same command goes on where it stopped, and nobody gets two
    certificates; so does it once what failed has been put right. A batch must be finished within
    six days, as the daemon forgets after a week what it was asked.

    Prints a summary. The exit code is 0 when every customer has a certificate, 1 when some were
    refused one, 4 when another run may get the rest.

    \b
    Example:
      signerctl batch issue customers.csv --profile personal --out batch-1
    """
    with session(context, output) as now:
        listed = read_customers(customers)
        terms = _terms(now.client, profile, algorithm, key_group)
        with open_journal(out, terms, datetime.now(UTC)) as journal:
            run = _Run(context.obj, terms, listed, journal, out)
            try:
                run.go(at_once)
            finally:
                run.report()
            now.printer.one(run.summary(), _summary_lines)
            now.printer.flush()
            raise typer.Exit(run.exit_code())


def _terms(client: Client, profile: str, algorithm: KeyAlgorithm, key_group: str) -> Terms:
    """What is asked for, checked once instead of with every customer. Raises ValueError."""
    info = client.server_info()
    if profile not in info.profiles:
        known = ", ".join(info.profiles)
        raise ValueError(f"the daemon has no profile {profile}; it has {known}")
    ca = hashlib.sha256(client.get_ca_chain()[0]).hexdigest()
    return Terms(info.principal, ca, profile, algorithm, key_group)


class _Run:
    """One run of a batch."""

    def __init__(
        self,
        connection: Connection,
        terms: Terms,
        customers: Sequence[Customer],
        journal: Journal,
        directory: Path,
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._customers = customers
        self._journal = journal
        self._directory = directory
        self._before = self._count_issued()
        self._errors: dict[str, SignerdError] = {}
        self._begun_s = time.monotonic()

    def go(self, at_once: int) -> None:
        """Ask for everybody who has no certificate yet. Raises ConnectionFailed and DataError."""
        left = [one for one in self._customers if one.subscriber not in self._journal.issued]
        if not left:
            return
        self._journal.check_age(datetime.now(UTC))
        total, done = len(self._customers), self._before
        with progress("certificates", total=total, done=done) as step:

            def settle(customer: Customer, answer: Certificate | SignerdError) -> None:
                if isinstance(answer, SignerdError):
                    self._errors[customer.subscriber] = answer
                else:
                    self._journal.keep(customer.subscriber, answer)
                step()

            async def run() -> None:
                target, timeout_s = target_of(self._connection), self._connection.timeout_s
                async with AsyncClient(target, timeout_s=timeout_s) as client:
                    await issue_to_all(
                        left,
                        lambda customer: self._ask(client, customer),
                        settle,
                        at_once=at_once,
                    )

            asyncio.run(run())

    async def _ask(self, client: AsyncClient, customer: Customer) -> Certificate:
        return await client.issue_certificate(
            customer.subscriber,
            self._terms.profile,
            customer.name,
            key_algorithm=self._terms.algorithm,
            email=customer.email,
            branch=customer.branch_code,
            identity_number=customer.identity_number,
            key_group=self._terms.key_group,
            request_id=self._journal.request_id(customer.subscriber),
        )

    def report(self) -> None:
        """Write who has a certificate and who has not, in the order of the file. Raises
        DataError."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("subscriber", "status", "certificate", "error"))
        for customer in self._customers:
            subscriber = customer.subscriber
            certificate, error = self._journal.issued.get(subscriber), self._errors.get(subscriber)
            status = "issued" if certificate else "failed" if error else "pending"
            said = "" if error is None else f"{error.reason}: {error.message}"
            writer.writerow((subscriber, status, certificate or "", said))
        path = self._directory / _REPORT
        try:
            replace_file(path, text.getvalue())
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}") from None

    def summary(self) -> Summary:
        """How the batch stands."""
        issued = self._count_issued()
        return Summary(
            batch=self._journal.batch,
            customers=len(self._customers),
            issued=issued,
            issued_now=issued - self._before,
            failed=len(self._errors),
            pending=len(self._customers) - issued - len(self._errors),
            seconds=round(time.monotonic() - self._begun_s, 1),
            report=str(self._directory / _REPORT),
        )

    def exit_code(self) -> ExitCode:
        """OK, NEGATIVE for refusals, TRY_AGAIN when there is nothing worse."""
        codes = {exit_code_of(error) for error in self._errors.values()}
        if not codes:
            return ExitCode.OK
        return ExitCode.TRY_AGAIN if codes == {ExitCode.TRY_AGAIN} else ExitCode.NEGATIVE

    def _count_issued(self) -> int:
        issued: Mapping[str, str] = self._journal.issued
        return sum(customer.subscriber in issued for customer in self._customers)


def _summary_lines(summary: Summary) -> Row:
    rate = f", {summary.issued_now / summary.seconds:.1f}/s" if summary.seconds else ""
    return {
        "batch": summary.batch,
        "customers": str(summary.customers),
        "issued": f"{summary.issued} ({summary.issued_now} now, in {summary.seconds:g} s{rate})",
        "failed": str(summary.failed),
        "pending": str(summary.pending),
        "report": summary.report,
    }
