"""Random acts on random fronts against a model of what a bank expects."""

import random
import uuid
from dataclasses import dataclass, field
from typing import Final

import pytest

from examples.private_daemon import PrivateDaemon
from signerd_client import Certificate, CertificateState, Client, RevocationReason
from signerd_client.error import FailedPrecondition
from tests.e2e.front_clients import front_clients

_STEPS: Final = 200
_MOST: Final = 6
_ACTIVE, _HELD, _REVOKED = (
    CertificateState.ACTIVE,
    CertificateState.SUSPENDED,
    CertificateState.REVOKED,
)


@dataclass
class _Expected:
    """A certificate as the model has it."""

    certificate: Certificate
    state: CertificateState = _ACTIVE
    reason: str = ""
    replaced_by: str = ""


@dataclass
class _Model:
    """What must come of each act: "" when it is done, or the reason of the refusal."""

    officers: list[Client]
    supervisors: list[Client]
    signers: list[Client]
    random: random.Random
    known: list[_Expected] = field(default_factory=list)

    def step(self) -> str:
        """One act by anybody on anything; what was done, for the report."""
        if len(self.known) < 2 or (len(self.known) < _MOST and self.random.random() < 0.1):
            self.known.append(_Expected(self._issue()))
            return "issue"
        it = self.random.choice(self.known)
        act = self.random.choice(["sign", "sign", "suspend", "resume", "reissue", "revoke"])
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
            "revoke": {_ACTIVE, _HELD},
        }
        return "" if it.state in allowed[act] else f"CERTIFICATE_{it.state}"

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
            case _:
                new = officer.reissue_certificate(name).certificate
                assert new.not_after_time == it.certificate.not_after_time
                it.reason = it.reason or RevocationReason.SUPERSEDED
                it.state, it.replaced_by = _REVOKED, new.name
                self.known.append(_Expected(new))

    def compare(self) -> None:
        """Every front tells of every certificate what the model has."""
        for it in self.known:
            for officer in self.officers:
                found = officer.get_certificate(it.certificate.name)
                assert (found.state, found.replaced_by) == (it.state, it.replaced_by)
                assert (found.revocation.reason if found.revocation else "") == it.reason
                assert (found.suspension is not None) == (it.state is _HELD)

    def _issue(self) -> Certificate:
        return self.random.choice(self.officers).issue_certificate(
            f"model-{uuid.uuid4().hex[:12]}", "personal", "Hong", key_algorithm="EC_P256_SHA256"
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_acts_end_as_the_model_says(daemon: PrivateDaemon, seed: int) -> None:
    """Issue, reissue, suspend, resume, revoke and sign in any order, each on any front: each is
    done or refused as the model says, and all fronts agree on the outcome."""
    with (
        front_clients(daemon, "ra-officer") as officers,
        front_clients(daemon, "ra-supervisor") as supervisors,
        front_clients(daemon, "signer") as signers,
    ):
        model = _Model(officers, supervisors, signers, random.Random(seed))  # noqa: S311 - no secret
        history = []
        for _ in range(_STEPS):
            try:
                history.append(model.step())
            except AssertionError as error:
                raise AssertionError("\n".join([*history, str(error)])) from error
        model.compare()
