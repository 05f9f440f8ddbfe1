"""The bank as tests see it: its people, its customers, its CA."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509

from pytest_signerd.daemon import EXPIRING
from pytest_signerd.holding import Holding
from signerd_client import Client, DocumentKind, KeyAlgorithm, Target
from signerd_client.certificate import pem_encode
from signerd_client.proof import DocumentProof
from signerd_harness import Customer

_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Terms:
    """What certificates are issued as when a test does not say."""

    profile: str
    key_algorithm: KeyAlgorithm


class Bank:
    """Clients of the daemon in each role, and what tests do most.

    officer: registers, issues, reissues, suspends, revokes. supervisor: resumes. signer: signs for
    every customer. relying_party: asks about identities. auditor: reads the audit. operator: sees
    state and outbox. Each is a `signerd_client.Client`, connected when it is first used.
    """

    def __init__(
        self,
        target: Callable[[str], Target],
        terms: Terms,
        *,
        publisher_url: str,
        documents: Path | None,
    ) -> None:
        """target: by name of the client identity. publisher_url: empty where there is none.
        documents: the file in which the daemon looks identity documents up; None where it asks
        somebody else."""
        self.publisher_url = publisher_url
        self.terms = terms
        self._target = target
        self._documents = documents
        self._clients = ExitStack()

    @cached_property
    def officer(self) -> Client:
        """The RA officer."""
        return self._connect("ra-officer")

    @cached_property
    def supervisor(self) -> Client:
        """The RA supervisor."""
        return self._connect("ra-supervisor")

    @cached_property
    def signer(self) -> Client:
        """The application that signs."""
        return self._connect("signer")

    @cached_property
    def relying_party(self) -> Client:
        """Whoever relies on certificates."""
        return self._connect("relying-party")

    @cached_property
    def auditor(self) -> Client:
        """The auditor."""
        return self._connect("auditor")

    @cached_property
    def operator(self) -> Client:
        """The operator."""
        return self._connect("operator")

    @cached_property
    def ca_chain(self) -> list[x509.Certificate]:
        """Issuing CA and root."""
        return [x509.load_der_x509_certificate(der) for der in self.officer.get_ca_chain()]

    @property
    def ca_pem(self) -> str:
        """Both, PEM, for a trust store."""
        return "".join(pem_encode("CERTIFICATE", der) for der in self.officer.get_ca_chain())

    def register(self, customer: Customer) -> Customer:
        """Make the bank know a customer with everything but a password, and the resident card be
        known as genuine."""
        self.officer.register_subscriber(
            customer.subscriber,
            customer.name,
            customer.personal_data,
            branch=customer.branch,
            identity_number=customer.identity_number,
        )
        if self._documents is not None:
            with self._documents.open("a", encoding="utf-8") as file:
                file.write(
                    f"RESIDENT_CARD,{customer.identity_number},{customer.name},"
                    f"{customer.card_issue_date}\n"
                )
        return customer

    def resident_card(self, customer: Customer) -> DocumentProof:
        """The customer's card, as a proof of identity in an enrolment."""
        return DocumentProof(
            DocumentKind.RESIDENT_CARD, customer.identity_number, customer.card_issue_date
        )

    def issue(
        self, customer: Customer, *, profile: str = "", key_algorithm: KeyAlgorithm | str = ""
    ) -> Holding:
        """Issue a certificate to a registered customer; what is empty is as the options say."""
        certificate = self.officer.issue_certificate(
            customer.subscriber,
            profile or self.terms.profile,
            customer.name,
            key_algorithm=key_algorithm or self.terms.key_algorithm,
            branch=customer.branch,
        )
        return Holding(self, customer, certificate)

    def issue_expired(self, customer: Customer) -> Holding:
        """Issue a certificate that has expired by now, for everybody and not only for the daemon.

        It takes about two seconds, for so long it is valid.
        """
        holding = self.issue(customer, profile=EXPIRING)
        while datetime.now(UTC) <= holding.certificate.not_after_time.replace(microsecond=999_999):
            time.sleep(_POLL_S)
        return holding

    def suspend(self, holding: Holding) -> Holding:
        """Put a certificate on hold."""
        changed = self.officer.suspend_certificate(holding.name)
        return Holding(self, holding.customer, changed)

    def resume(self, holding: Holding) -> Holding:
        """Take a certificate off hold."""
        changed = self.supervisor.resume_certificate(holding.name)
        return Holding(self, holding.customer, changed)

    def revoke(self, holding: Holding, reason: str = "KEY_COMPROMISE") -> Holding:
        """Revoke a certificate for good."""
        changed = self.officer.revoke_certificate(holding.name, reason)
        return Holding(self, holding.customer, changed)

    def reissue(self, holding: Holding) -> Holding:
        """Replace a certificate: new key, same expiry; the old one is revoked."""
        made = self.officer.reissue_certificate(holding.name)
        return Holding(self, holding.customer, made.certificate)

    def renew(self, holding: Holding) -> Holding:
        """Have the customer renew a certificate: the old key proves the wish, and is revoked."""
        made = self.signer.renew(holding.name)
        return Holding(self, holding.customer, made.certificate)

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _connect(self, identity: str) -> Client:
        return self._clients.enter_context(Client(self._target(identity)))
