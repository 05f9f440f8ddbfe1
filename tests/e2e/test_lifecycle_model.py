"""Random acts on random fronts against a model of what a bank expects."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    PasswordProof,
    RevocationReason,
)
from signerd_client.error import FailedPrecondition
from tests.e2e.counter import PASSWORD, licence_of
from tests.e2e.customer import Customer
from tests.e2e.front_clients import front_clients

_STEPS: Final = 150
_MOST: Final = 6
_ON_THE_LIVING: Final = 0.7
# How often each comes, against the others.
_ACTS: Final = {
    "sign": 4,
    "suspend": 3,
    "resume": 3,
    "reissue": 2,
    "renew": 2,
    "revoke": 1,
    "report loss": 1,
}
# There tls-client can be renewed from its first day.
_PROFILES: Final = Path(__file__).parents[1] / "faults" / "profiles"
_ACTIVE, _HELD, _REVOKED = (
    CertificateState.ACTIVE,
    CertificateState.SUSPENDED,
    CertificateState.REVOKED,
)


@dataclass
class _Expected:
    """A certificate as the model has it. is_due: whether it is in its last days, which the first
    of each customer is."""

    customer: Customer
    certificate: Certificate
    is_due: bool = True
    state: CertificateState = _ACTIVE
    reason: str = ""
    replaced_by: str = ""


@dataclass
class _Model:
    """What must come of each act: "" when it is done, or the reason of the refusal."""

    officers: list[Client]
    supervisors: list[Client]
    signers: list[Client]
    documents: Path
    random: random.Random
    known: list[_Expected] = field(default_factory=list)

    def step(self) -> str:
        """One act by anybody on anything; what was done, for the report."""
        living = [it for it in self.known if it.state is not _REVOKED]
        if len(living) < 2 or (len(living) < _MOST and self.random.random() < 0.1):
            self.known.append(self._issue())
            return "issue"
        it = self.random.choice(living if self.random.random() < _ON_THE_LIVING else self.known)
        (act,) = self.random.choices(list(_ACTS), list(_ACTS.values()))
        wanted = self._refusal(it, act)
        try:
            self._do(it, act)
            met = ""
        except FailedPrecondition as error:
            met = error.reason
        told = f"{act} {it.certificate.name} in {it.state}: {met or 'done'}"
        assert met == wanted, f"{told}, expected {wanted or 'done'}"
        return told

    def _refusal(self, it: _Expected, act: str) -> str:
        if act == "sign":
            reasons = {_ACTIVE: "", _HELD: "CREDENTIAL_SUSPENDED", _REVOKED: "CREDENTIAL_RETIRED"}
            return reasons[it.state]
        if it.replaced_by:
            return "CERTIFICATE_REPLACED"
        allowed = {
            "suspend": {_ACTIVE},
            "resume": {_HELD},
            "reissue": {_ACTIVE, _REVOKED},
            "renew": {_ACTIVE},
            "revoke": {_ACTIVE, _HELD},
            "report loss": {_ACTIVE, _HELD},
        }
        if it.state not in allowed[act]:
            return f"CERTIFICATE_{it.state}"
        return "RENEWAL_TOO_EARLY" if act == "renew" and not it.is_due else ""

    def _do(self, it: _Expected, act: str) -> None:
        officer = self.random.choice(self.officers)
        name = it.certificate.name
        match act:
            case "sign":
                signer = self.random.choice(self.signers)
                assert signer.sign(it.certificate.credential, data=b"order").certificate == name
            case "suspend":
                officer.suspend_certificate(name)
                it.state = _HELD
            case "resume":
                self.random.choice(self.supervisors).resume_certificate(name)
                it.state = _ACTIVE
            case "revoke":
                reason = self.random.choice(list(RevocationReason))
                officer.revoke_certificate(name, reason)
                it.state, it.reason = _REVOKED, reason
            case "report loss":
                self._report_loss(officer, it)
                it.state, it.reason = _REVOKED, RevocationReason.KEY_COMPROMISE
            case "reissue":
                new = officer.reissue_certificate(name).certificate
                assert new.not_after_time == it.certificate.not_after_time
                self._replace(it, new, is_due=it.is_due)
            case _:
                new = self.random.choice(self.signers).renew(name).certificate
                assert new.not_after_time > it.certificate.not_after_time
                self._replace(it, new, is_due=False)

    def _replace(self, it: _Expected, new: Certificate, *, is_due: bool) -> None:
        it.reason = it.reason or RevocationReason.SUPERSEDED
        it.state, it.replaced_by = _REVOKED, new.name
        self.known.append(_Expected(it.customer, new, is_due=is_due))

    def _report_loss(self, officer: Client, it: _Expected) -> None:
        """Each step by any of the fronts."""
        opened = officer.open_enrolment(
            it.customer.subscriber, "LOSS_REPORT", certificate=it.certificate.name
        )
        for proof in (licence_of(it.customer), PasswordProof(PASSWORD)):
            self.random.choice(self.officers).prove_identity(opened.name, proof)
        self.random.choice(self.officers).report_loss(opened.name)

    def compare(self) -> None:
        """Every front tells of every certificate what the model has."""
        for it in self.known:
            for officer in self.officers:
                found = officer.get_certificate(it.certificate.name)
                assert (found.state, found.replaced_by) == (it.state, it.replaced_by)
                assert (found.revocation.reason if found.revocation else "") == it.reason
                assert (found.suspension is not None) == (it.state is _HELD)

    def _issue(self) -> _Expected:
        customer, officer = Customer(), self.random.choice(self.officers)
        officer.register_subscriber(customer.subscriber, customer.name, customer.data)
        officer.set_password(customer.subscriber, PASSWORD)
        with self.documents.open("a") as documents:
            licence = licence_of(customer)
            documents.write(f"{licence.kind},{licence.number},홍길동,{licence.issue_date}\n")
        certificate = officer.issue_certificate(
            customer.subscriber, "tls-client", customer.name, key_algorithm="EC_P256_SHA256"
        )
        return _Expected(customer, certificate)


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    settings = {"policy.profiles": f'"{_PROFILES}"'}
    with private_daemon(DaemonSize(fronts=2, hosts=2), settings) as daemon:
        yield daemon


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_acts_end_as_the_model_says(bank: PrivateDaemon, seed: int) -> None:
    """Issue, reissue, renew, suspend, resume, revoke, report of loss and sign in any order, each on
    any front: each is done or refused as the model says, and all fronts agree on the outcome."""
    with (
        front_clients(bank, "ra-officer") as officers,
        front_clients(bank, "ra-supervisor") as supervisors,
        front_clients(bank, "signer") as signers,
    ):
        model = _Model(
            officers,
            supervisors,
            signers,
            bank.directory / "documents.csv",
            random.Random(seed),  # noqa: S311 - no secret
        )
        history = []
        for _ in range(_STEPS):
            try:
                history.append(model.step())
            except AssertionError as error:
                raise AssertionError("\n".join([*history, str(error)])) from error
        model.compare()
    done = {told.partition(" certificates/")[0] for told in history if told.endswith("done")}
    assert done == set(_ACTS)
