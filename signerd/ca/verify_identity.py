"""Does an identity number belong to the holder of a certificate?"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.ports import CertificateStore, IdentityStore
from signerd.ca.scope import find_in_scope
from signerd.core.clock import Clock
from signerd.core.error import LimitExceeded, WrongState
from signerd.core.evidence import Failures
from signerd.core.lifecycle import CertificateState
from signerd.core.record import HolderIdentity
from signerd.core.state_machine import state_of
from signerd.core.value import CertificateId, SubscriberId
from signerd.identity.holder import HolderIdentities
from signerd.identity.lockout import LockoutRule, after_failure, is_locked
from signerd.pki.vid import IdentityNumber
from signerd.policy.decide import Scope

# Some ten thousand numbers fit a birth date and a place: five an hour find none of them.
_RULE: Final = LockoutRule(max_failures=5, lock_s=3600, longest_s=3600)


@dataclass(frozen=True, slots=True)
class IdentityQuestion:
    """Who asks for which certificate. deadline: seconds of time.monotonic(). method: the call in
    which it is asked."""

    principal: str
    request_id: str
    certificate: CertificateId
    number: IdentityNumber = field(repr=False)
    deadline: float
    method: str = "VerifyIdentity"


class IdentityGuard:
    """Compares numbers with a certificate's VID, and stops whoever tries many."""

    def __init__(self, identities: IdentityStore, holders: HolderIdentities, clock: Clock) -> None:
        self._identities = identities
        self._holders = holders
        self._clock = clock

    async def matches(
        self, question: IdentityQuestion, subscriber: SubscriberId, identity: HolderIdentity
    ) -> bool:
        """Whether the identity of a certificate's holder was made of this number; on record by the
        time it is answered.

        Locked after five wrong numbers in a row, whoever sent them. Raises LimitExceeded
        (IDENTITY_LOCKED), WrongState (IDENTITY_ERASED), and as Sealer.
        """
        certificate = question.certificate
        self._refuse_locked(certificate, await self._identities.identity_failures(certificate))
        is_right = await self._holders.is_of(
            subscriber, identity, question.number, deadline=question.deadline
        )

        def judge(before: Failures) -> tuple[Failures, AuditEvent | None]:
            now = self._clock.now()
            if is_locked(before, now):
                return before, None
            after = Failures() if is_right else after_failure(before, _RULE, now)
            return after, self._event(question, is_right=is_right)

        # Judged where it is counted: of many questions at the same moment no more are answered.
        before = await self._identities.judge_identity(certificate, judge)
        self._refuse_locked(certificate, before)
        return is_right

    def _event(self, question: IdentityQuestion, *, is_right: bool) -> AuditEvent:
        return AuditEvent(
            EventKind.IDENTITY_VERIFIED,
            self._clock.now(),
            question.principal,
            f"certificates/{question.certificate}",
            question.request_id,
            {"matches": str(is_right), "method": question.method},
        )

    def _refuse_locked(self, certificate: CertificateId, failures: Failures) -> None:
        now, release = self._clock.now(), failures.release_utc
        if release is None or now >= release:
            return
        # Rounded up, so that who waits as told is answered.
        release += timedelta(microseconds=-release.microsecond % 1_000_000)
        raise LimitExceeded(
            f"{_RULE.max_failures} wrong identity numbers in a row were sent for "
            f"certificates/{certificate}; it is asked about again from "
            f"{release:%Y-%m-%d %H:%M:%S} UTC on",
            reason="IDENTITY_LOCKED",
            metadata={"release_time": f"{release:%Y-%m-%dT%H:%M:%SZ}"},
            retry_after_s=(release - now).total_seconds(),
        )


class VerifyIdentity:
    """The use case behind CertificateAuthority.VerifyIdentity."""

    def __init__(self, certificates: CertificateStore, guard: IdentityGuard, clock: Clock) -> None:
        self._certificates = certificates
        self._guard = guard
        self._clock = clock

    async def verify(
        self, question: IdentityQuestion, scope: Scope
    ) -> tuple[bool, CertificateState]:
        """Whether the number is the holder's, and the state of the certificate.

        Raises NotFound, PermissionDenied (OUT_OF_SCOPE), WrongState (IDENTITY_ABSENT), and as
        IdentityGuard.matches.
        """
        found = await find_in_scope(self._certificates, question.certificate, scope)
        if found.identity is None:
            raise WrongState(
                f"certificates/{question.certificate} has no virtual ID, so it does not tell whose "
                "number it is; ask about one of a profile that certifies it",
                reason="IDENTITY_ABSENT",
            )
        is_right = await self._guard.matches(question, found.subscriber, found.identity)
        return is_right, state_of(found, self._clock.now())
