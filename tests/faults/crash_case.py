"""One crash: a call, and the points at which processes die on its way."""

import uuid
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from examples.private_daemon import PrivateDaemon
from signerd.core.fault import FaultPoint
from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    KeyAlgorithm,
    Reissued,
    Renewed,
    RevocationReason,
)
from signerd_client.retry import RetryPolicy
from tests.faults.fault_order import FaultOrders, restarts
from tests.faults.judgement import judge_key, refuse_signing

_CALL_LIMIT_S: Final = 90.0
# The keeper works in rounds, and a new one waits for the lease of the one that was killed.
_KEEPER_LIMIT_S: Final = 40.0
RETRY: Final = RetryPolicy(unreachable_s=60.0)


class Operation(StrEnum):
    """What the client calls."""

    ISSUE = "issue"
    ISSUE_FOR_CSR = "issue-for-csr"
    REISSUE = "reissue"
    RENEW = "renew"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    SIGN = "sign"


_OUTCOMES: Final = {
    Operation.SUSPEND: (CertificateState.SUSPENDED, "certificate.suspended"),
    Operation.RESUME: (CertificateState.ACTIVE, "certificate.resumed"),
    Operation.REVOKE: (CertificateState.REVOKED, "certificate.revoked"),
}


@dataclass(frozen=True, slots=True)
class CrashCase:
    """A call and the points at which a process dies, each once."""

    operation: Operation
    points: tuple[FaultPoint, ...]

    @property
    def victims(self) -> Counter[str]:
        """How many processes of each group die."""
        return Counter(_group_of(point) for point in self.points)


class CrashStage:
    """A daemon with fault points armed, and clients of it."""

    def __init__(self, daemon: PrivateDaemon) -> None:
        self.daemon = daemon
        self.orders = FaultOrders(daemon)
        self.officer = Client(daemon.target("ra-officer"), timeout_s=_CALL_LIMIT_S, retry=RETRY)
        self.supervisor = Client(
            daemon.target("ra-supervisor"), timeout_s=_CALL_LIMIT_S, retry=RETRY
        )
        self.signer = Client(daemon.target("signer"), timeout_s=_CALL_LIMIT_S, retry=RETRY)
        self.auditor = Client(daemon.target("auditor"), timeout_s=_CALL_LIMIT_S, retry=RETRY)

    def close(self) -> None:
        """Disconnect."""
        for client in (self.officer, self.supervisor, self.signer, self.auditor):
            client.close()

    def play(self, case: CrashCase) -> None:
        """Let the call happen while processes die, and judge what came of it."""
        try:
            match case.operation:
                case Operation.REISSUE | Operation.RENEW:
                    self._replace(case)
                case Operation.SUSPEND | Operation.RESUME | Operation.REVOKE:
                    self._change(case)
                case Operation.SIGN:
                    self._sign(case)
                case _:
                    self._issue(case)
        finally:
            self.orders.withdraw_all()

    def issue(self, subscriber: str, request_id: str | None = None) -> Certificate:
        """A certificate for a P-256 key on the token."""
        return self.officer.issue_certificate(
            subscriber,
            "tls-client",
            "Crash",
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            request_id=request_id,
        )

    def _issue(self, case: CrashCase) -> None:
        subscriber, request_id = _new_subscriber(), str(uuid.uuid4())
        csr = _csr() if case.operation is Operation.ISSUE_FOR_CSR else None

        def issue() -> Certificate:
            if csr is None:
                return self.issue(subscriber, request_id)
            return self.officer.issue_certificate(
                subscriber, "tls-client", "Crash", csr=csr, request_id=request_id
            )

        before = self._order(case)
        first = issue()
        self._require_taken(case, before)
        assert issue() == first
        assert self._states(subscriber) == {first.name: CertificateState.ACTIVE}
        if csr is None:
            assert self.signer.sign(first.credential, data=b"1").certificate == first.name
        else:
            assert _public_key(first.der) == _csr_key(csr)

    def _replace(self, case: CrashCase) -> None:
        subscriber, request_id = _new_subscriber(), str(uuid.uuid4())
        old = self.issue(subscriber)
        is_renewal = case.operation is Operation.RENEW
        # Made before any order is given: it takes a signature too.
        proof = self.signer.prove_renewal(old.name, request_id) if is_renewal else b""

        def replace() -> Reissued | Renewed:
            if is_renewal:
                return self.officer.renew_certificate(old.name, proof, request_id=request_id)
            return self.officer.reissue_certificate(old.name, request_id=request_id)

        before = self._order(case)
        first = replace()
        refuse_signing(self.signer, old.credential)
        self._require_taken(case, before)
        assert replace() == first
        new = first.certificate
        assert (new.not_after_time > old.not_after_time) is is_renewal
        assert self._states(subscriber) == {
            old.name: CertificateState.REVOKED,
            new.name: CertificateState.ACTIVE,
        }
        assert self.signer.sign(new.credential, data=b"1").certificate == new.name
        refuse_signing(self.signer, old.credential)

    def _change(self, case: CrashCase) -> None:
        issued, request_id = self.issue(_new_subscriber()), str(uuid.uuid4())
        if case.operation is Operation.RESUME:
            self.officer.suspend_certificate(issued.name)

        def change() -> Certificate:
            match case.operation:
                case Operation.SUSPEND:
                    return self.officer.suspend_certificate(issued.name, request_id=request_id)
                case Operation.RESUME:
                    return self.supervisor.resume_certificate(issued.name, request_id=request_id)
                case _:
                    return self.officer.revoke_certificate(
                        issued.name, RevocationReason.KEY_COMPROMISE, request_id=request_id
                    )

        before = self._order(case)
        first = change()
        judge_key(self.signer, first)
        self._require_taken(case, before)
        assert change() == first
        state, kind = _OUTCOMES[case.operation]
        assert self.officer.get_certificate(issued.name).state is state
        judge_key(self.signer, first)
        kinds = [event.kind for event in self.auditor.list_audit_events(resource=issued.name)]
        assert kinds.count(kind) == 1

    def _sign(self, case: CrashCase) -> None:
        issued = self.issue(_new_subscriber())
        before = self._order(case)
        signed = self.signer.sign(issued.credential, data=b"crash")
        self._require_taken(case, before)
        assert self.signer.verify(signed.signature, certificate=issued.name, data=b"crash").valid
        recorded = list(self.auditor.list_audit_events(resource=issued.credential))
        assert [event.kind for event in recorded].count("signature.created") >= 1

    def _order(self, case: CrashCase) -> Counter[str]:
        before = restarts(self.daemon)
        for point in case.points:
            self.orders.give(point)
        return before

    def _require_taken(self, case: CrashCase, before: Counter[str]) -> None:
        """Every ordered process died, where it was to, and no other."""
        for point in case.points:
            limit_s = _KEEPER_LIMIT_S if "destroy" in point else 0.0
            assert self.orders.wait_taken(point, limit_s), f"nobody passed {point}"
        self._await_restarts(before + case.victims)

    def _await_restarts(self, wanted: Counter[str]) -> None:
        for _ in range(100):
            if restarts(self.daemon) == wanted:
                return
            self.signer.server_info()
        assert restarts(self.daemon) == wanted

    def _states(self, subscriber: str) -> dict[str, CertificateState]:
        listed = list(self.officer.list_certificates(subscriber=subscriber))
        states = {certificate.name: certificate.state for certificate in listed}
        assert len(states) == len(listed)
        return states


def _group_of(point: FaultPoint) -> str:
    room = point.value.partition("-")[0]
    return room if room in {"host", "keeper"} else "front"


def _new_subscriber() -> str:
    return f"crash-{uuid.uuid4().hex[:12]}"


def _csr() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _csr_key(csr: bytes) -> object:
    return x509.load_der_x509_csr(csr).public_key()


def _public_key(certificate: bytes) -> object:
    return x509.load_der_x509_certificate(certificate).public_key()
