"""The steps of the demo, and what is counted in each."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples.demo.audit import read_audit
from examples.demo.disruption import Disruption, wait_until_replaced
from examples.demo.export import try_to_export
from examples.demo.openssl import OpensslVerifier
from examples.demo.order import Customer, Order
from examples.demo.reissue import ask_every_front, is_superseded, keeps_the_expiry, reissue
from examples.demo.report import Report
from examples.demo.worker import ClientProcesses, Instruction, Signed
from examples.private_daemon import PrivateDaemon
from signerd_client import Certificate, Client

REISSUED: Final = 20


@dataclass(slots=True)
class Totals:
    """What was counted."""

    issued: int = 0
    signed: int = 0
    verified: int = 0
    reissued: int = 0
    refused: int = 0
    lost: int = 0

    def line(self) -> str:
        """The last line of the demo."""
        return (
            f"demo: issued {self.issued}, signed {self.signed}, verified {self.verified}, "
            f"reissued {self.reissued}, refused {self.refused}, lost {self.lost}"
        )


@dataclass(slots=True)
class Scenario:
    """One run. Every step counts from answers, files and records, and asserts nothing."""

    daemon: PrivateDaemon
    clients: ClientProcesses
    openssl: OpensslVerifier
    report: Report
    totals: Totals = field(default_factory=Totals)

    def issue(self, customers: list[Customer]) -> dict[str, Certificate]:
        """A certificate for every customer, by subscriber."""
        results = self.clients.issue(self.daemon.target("ra-officer"), customers)
        acknowledged = {r.subscriber: r.certificate for r in results if r.certificate}
        errors = [f"{r.subscriber}: {r.error}" for r in results if r.error]
        with Client(self.daemon.target("auditor")) as client:
            stored = {c.name for c in client.list_certificates(page_size=1000)}
        known = {s: c for s, c in acknowledged.items() if c.name in stored}
        self.totals.issued = len(known)
        self.totals.lost += len(acknowledged) - len(known) + len(errors)
        self.report.errors(errors)
        self.report.counted("customers with a certificate", len(known), len(customers))
        chains = self.openssl.valid_chains(known.values())
        self.report.counted("chains that openssl verifies strictly", len(chains), len(customers))
        example = next(iter(known.values()), None)
        if example:
            self.report.facts(
                {"for example": example.subject, "serial number": example.serial_number}
            )
        return known

    def sign(self, orders: list[Order], certificates: dict[str, Certificate]) -> list[Signed]:
        """Every order by its customer, while processes of the daemon are killed."""
        work = [
            Instruction(order, certificates[order.debtor].credential)
            for order in orders
            if order.debtor in certificates
        ]
        before = self.clients.done
        wait = self.clients.start_signing(self.daemon.target("signer"), work)
        with Disruption(self.daemon, lambda: self.clients.done - before, len(work)) as disruption:
            results = wait()
        signed = [result for result in results if not result.error]
        errors = [f"{r.instruction.order.order_id}: {r.error}" for r in results if r.error]
        self.totals.signed = len({result.instruction.order.order_id for result in signed})
        self.totals.lost += len(orders) - self.totals.signed
        self.report.counts(
            "client process", "signatures", Counter(str(s.client_pid) for s in signed)
        )
        self.report.errors(errors)
        self.report.counted("orders signed", self.totals.signed, len(orders))
        self.report.holds(f"errors seen by clients: {len(errors)}", good=not errors)
        self._tell_kills(disruption)
        return signed

    def verify(
        self, signed: list[Signed], certificates: dict[str, Certificate], expected: int
    ) -> None:
        """Every signature with the openssl program."""
        by_credential = {c.credential: c for c in certificates.values()}
        valid = self.openssl.valid_signatures(signed, by_credential)
        self.totals.verified = len({result.instruction.order.order_id for result in valid})
        self.report.counted("signatures that openssl verifies", self.totals.verified, expected)

    def reissue(self, certificates: dict[str, Certificate]) -> None:
        """Some customers lose their phones."""
        chosen = list(certificates.values())[:: max(1, len(certificates) // REISSUED)][:REISSUED]
        with Client(self.daemon.target("ra-officer")) as client:
            replaced = reissue(client, chosen)
            superseded = sum(is_superseded(client, pair) for pair in replaced)
        self.totals.reissued = len(replaced)
        self.report.counted("certificates reissued", len(replaced), REISSUED)
        self.report.counted("old certificates revoked as superseded", superseded, REISSUED)
        same = sum(keeps_the_expiry(self.openssl, pair) for pair in replaced)
        self.report.counted("new certificates that end when the old would have", same, REISSUED)
        chains = self.openssl.valid_chains(pair.certificate for pair in replaced)
        self.report.counted("new chains that openssl verifies strictly", len(chains), REISSUED)
        refusals = ask_every_front(self.daemon, [pair.replaced.credential for pair in replaced])
        self.totals.refused = len(refusals.refused_by_all)
        self.report.holds(f"fronts asked: {len(refusals.fronts)}", good=len(refusals.fronts) > 1)
        self.report.counted("old keys refused by every front", self.totals.refused, REISSUED)
        self._sign_anew([pair.certificate for pair in replaced])

    def export(self, certificate: Certificate) -> None:
        """Someone with the PIN tries to take the key of a customer away."""
        attempts = try_to_export(self.daemon.configuration, certificate.credential)
        self.report.rows(
            ("attempt", "refused", "answer"),
            [(a.way.rpartition(": ")[2], "yes" if a.refused else "NO", a.detail) for a in attempts],
        )
        refused = sum(attempt.refused for attempt in attempts)
        self.report.holds(
            f"attempts in vain: {refused} of {len(attempts)}",
            good=bool(attempts) and refused == len(attempts),
        )

    def audit(self, signed: list[Signed]) -> None:
        """What was acknowledged is on record; the chain holds after the daemon has stopped."""
        with Client(self.daemon.target("auditor")) as client:
            recorded = read_audit(client)
        missing = recorded.missing(signed)
        self.totals.lost += len(missing)
        self.report.counts("event", "records", recorded.kinds)
        self.report.holds(f"signatures missing from the audit: {len(missing)}", good=not missing)
        self.daemon.stop()
        verified = self.daemon.run("audit", "verify")
        self.report.facts({"signerd audit verify": (verified.stdout + verified.stderr).strip()})
        self.report.holds("the audit chain is whole", good=verified.returncode == 0)

    def _sign_anew(self, certificates: list[Certificate]) -> None:
        order = Order("AFTER-REISSUE", "", 0, b"signed with the new key")
        signed = []
        with Client(self.daemon.target("signer")) as client:
            for number, certificate in enumerate(certificates):
                named = Order(f"{order.order_id}-{number}", "", 0, order.content)
                answer = client.sign(certificate.credential, digest=named.digest)
                instruction = Instruction(named, certificate.credential)
                signed.append(Signed(instruction, answer.signature, "", 0))
        by_credential = {certificate.credential: certificate for certificate in certificates}
        valid = self.openssl.valid_signatures(signed, by_credential)
        self.report.counted("new keys that sign", len(valid), REISSUED)

    def _tell_kills(self, disruption: Disruption) -> None:
        for kill in disruption.kills:
            heir = wait_until_replaced(self.daemon, kill)
            self.report.holds(
                f"{kill.victim.name} (process {kill.victim.pid}) killed after {kill.answered} of "
                f"{kill.expected} signatures, replaced by process {heir.pid if heir else '-'}",
                good=kill.was_in_the_middle and heir is not None,
            )
        self.report.counted("processes killed in the middle", len(disruption.kills), 2)


def make_verifier(directory: Path, daemon: PrivateDaemon) -> OpensslVerifier:
    """openssl with the CA certificates of this daemon."""
    with Client(daemon.target("operator")) as client:
        return OpensslVerifier(directory, client.get_ca_chain())
