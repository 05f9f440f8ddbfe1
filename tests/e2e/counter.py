"""What an RA officer does for customers: registers, opens, reads codes from the mailbox."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import (
    Certificate,
    Client,
    CodeProof,
    DocumentKind,
    DocumentProof,
    Enrolment,
    EnrolmentPurpose,
    Factor,
    KeyAlgorithm,
    PasswordProof,
    Proven,
)
from tests.e2e.customer import BANKING, Customer
from tests.e2e.waiting import wait_until

ISSUED: Final = date(2020, 5, 6)
PASSWORD: Final = "vague trombone 41 harbour"  # noqa: S105 - of a made-up customer
NAME: Final = "홍길동"
_CODE: Final = re.compile(r"\b[0-9]{6}\b")


@contextmanager
def bank_with_counter(rules: str) -> Iterator[PrivateDaemon]:
    """A daemon whose clock may be shifted. rules: of identity checks, TOML."""
    settings = {"test.allow_clock_offset": "true"}
    with private_daemon(DaemonSize(fronts=1, hosts=1), settings) as daemon:
        (daemon.directory / "identity.toml").write_text(rules)
        daemon.stop()
        text = daemon.configuration.read_text()
        with_rules = text.replace("[identity]\n", '[identity]\nrules = "identity.toml"\n')
        daemon.configuration.write_text(with_rules)
        daemon.start()
        yield daemon


@dataclass(frozen=True, slots=True)
class Counter:
    """An officer's desk, and the operator who reads what the test bank sends."""

    bank: PrivateDaemon
    officer: Client
    operator: Client

    def registered(self, known_as: str = NAME) -> Customer:
        """A customer whose licence the document service knows under a name, or not at all."""
        customer = Customer()
        self.officer.register_subscriber(
            customer.subscriber,
            customer.name,
            customer.data,
            branch="041",
            identity_number=customer.number,
        )
        if known_as:
            with (self.bank.directory / "documents.csv").open("a") as documents:
                documents.write(f"DRIVERS_LICENCE,{customer.licence},{known_as},{ISSUED}\n")
        return customer

    def opened(self, customer: Customer, purpose: str, certificate: str = "") -> Enrolment:
        """An enrolment; a first certificate is a banking certificate."""
        is_issue = purpose == EnrolmentPurpose.ISSUE
        return self.officer.open_enrolment(
            customer.subscriber,
            purpose,
            profile=BANKING if is_issue else "",
            key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256 if is_issue else None,
            certificate=certificate,
        )

    def code(self, enrolment: Enrolment, factor: Factor = Factor.PHONE_CODE) -> str:
        """Have one sent, and read it where it arrives."""
        known = self._codes(enrolment)
        self.officer.send_code(enrolment.name, factor)
        wait_until(lambda: self._codes(enrolment).keys() - known.keys(), "the code arrives")
        (new,) = self._codes(enrolment).keys() - known.keys()
        return self._codes(enrolment)[new]

    def proven(self, enrolment: Enrolment, customer: Customer) -> Proven:
        """With document and phone code."""
        self.officer.prove_identity(enrolment.name, licence_of(customer))
        code = CodeProof(Factor.PHONE_CODE, self.code(enrolment))
        return self.officer.prove_identity(enrolment.name, code)

    def issued(self, customer: Customer) -> Certificate:
        """A first certificate, by document and password."""
        self.officer.set_password(customer.subscriber, PASSWORD)
        enrolment = self.opened(customer, "ISSUE")
        self.officer.prove_identity(enrolment.name, licence_of(customer))
        made = self.officer.prove_identity(enrolment.name, PasswordProof(PASSWORD)).authorisation
        assert made is not None
        claimed = self.officer.claim_certificate(made.reference_number, made.authorisation_code)
        return claimed.certificate

    def _codes(self, enrolment: Enrolment) -> dict[str, str]:
        """The codes in the mailbox by message."""
        found = {}
        for message in self.operator.list_messages(subscriber=enrolment.subscriber, kind="CODE"):
            told = _CODE.search(message.content.text) if message.content else None
            if told:
                found[message.name] = told[0]
        return found


def licence_of(customer: Customer, issued: date = ISSUED) -> DocumentProof:
    """The proof that a customer's licence is."""
    return DocumentProof(DocumentKind.DRIVERS_LICENCE, customer.licence, issued)
