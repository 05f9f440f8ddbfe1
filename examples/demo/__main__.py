"""Runs the demo: python -m examples.demo. Exit status 0 only if everything held."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from examples.demo.order import Customer, Order, read_customers, read_orders
from examples.demo.report import Report
from examples.demo.scenario import REISSUED, Scenario, Totals, make_verifier
from examples.demo.worker import PROCESSES, client_processes
from examples.private_daemon import DaemonFailed, DaemonSize, private_daemon

_DATA: Final = Path(__file__).parents[1] / "data"
_SIZE: Final = DaemonSize(fronts=2, hosts=2, publisher=True)


def main() -> int:
    """The demo."""
    report = Report(Console(highlight=False))
    try:
        totals = _run(report)
    except DaemonFailed as error:
        sys.stderr.write(f"demo: the daemon failed: {error}\n")
        return 1
    for what in report.failed:
        sys.stderr.write(f"demo: does not hold: {what}\n")
    sys.stderr.flush()
    sys.stdout.write(totals.line() + "\n")
    return 1 if report.failed or totals.lost else 0


def _run(report: Report) -> Totals:
    with report.step("Read customers and payment orders"):
        customers = read_customers(_DATA / "customers.csv")
        orders = read_orders(_DATA / "payment-orders.xml")
        report.facts(
            {
                "customers": len(customers),
                "payment orders (ISO 20022 pain.001)": len(orders),
                "total": f"{sum(order.amount_krw for order in orders):,} KRW",
            }
        )
    with ExitStack() as stack:
        with report.step("Start a private daemon on its own token"):
            daemon = stack.enter_context(private_daemon(_SIZE))
            clients = stack.enter_context(client_processes())
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="sdverify"))
            openssl = make_verifier(Path(directory) / "openssl", daemon)
            report.rows(
                ("process", "pid"),
                [(p.name, str(p.pid)) for g in ("front", "host") for p in daemon.processes(g)],
            )
        scenario = Scenario(daemon, clients, openssl, report)
        _act(scenario, customers, orders)
    return scenario.totals


def _act(scenario: Scenario, customers: list[Customer], orders: list[Order]) -> None:
    step = scenario.report.step
    with step(f"Issue a certificate to every customer ({PROCESSES} client processes)"):
        certificates = scenario.issue(customers)
    with step("Sign every order with its customer's key, killing a token host and a front"):
        signed = scenario.sign(orders, certificates)
    with step("Verify every signature with the openssl program"):
        scenario.verify(signed, certificates, len(orders))
    with step(f"Reissue {REISSUED} certificates; the old ones are worth nothing any more"):
        scenario.reissue(certificates)
    with step("Try to take a customer's private key off the token"):
        scenario.export(next(reversed(certificates.values())))
    with step("Compare with the audit, stop the daemon, verify the audit chain"):
        scenario.audit(signed)


if __name__ == "__main__":
    sys.exit(main())
