"""What the calls about enrolments have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.clock import Clock
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import PermissionDenied, SignerdError, WrongState
from signerd.core.subscriber import PersonalData, SubscriberRecord
from signerd.core.value import EnrolmentId, SubscriberId
from signerd.enrolment.ports import EnrolmentStore, EvidenceStore
from signerd.identity.keyed_hash import CallMac
from signerd.identity.load import IdentityRules
from signerd.identity.sealer import Sealer
from signerd.policy.decide import Scope
from signerd.registry.answered import Answers, Caller
from signerd.registry.call import find_in_scope, require_registered
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered subscriber with its personal data in clear."""

    record: SubscriberRecord
    data: PersonalData


@dataclass(frozen=True, slots=True)
class EnrolmentContext:
    """What all of them work on. random: bytes from a secure source."""

    store: EnrolmentStore
    evidence: EvidenceStore
    answers: Answers
    subscribers: SubscriberStore
    vault: Vault
    sealer: Sealer
    rules: IdentityRules
    clock: Clock
    random: Callable[[int], bytes]

    async def find(self, enrolment: EnrolmentId, caller: Caller) -> EnrolmentRecord:
        """An enrolment as it stands. Raises NotFound and PermissionDenied (OUT_OF_SCOPE)."""
        record = await self.store.get_enrolment(enrolment)
        check_scope(record, caller.scope)
        return record

    async def registered(self, subscriber: SubscriberId, caller: Caller) -> Registered:
        """Raises NotFound, PermissionDenied, WrongState (SUBSCRIBER_NOT_REGISTERED,
        SUBSCRIBER_ERASED), and as Sealer."""
        found = await find_in_scope(self.subscribers, subscriber, caller.scope)
        sealed = require_registered(found)
        data = await self.vault.unseal(subscriber, sealed, deadline=caller.deadline)
        return Registered(found, data)

    def mac(self, caller: Caller) -> CallMac:
        """Keyed hashes within the deadline of a call."""
        return CallMac(self.sealer, caller.deadline)

    def event(
        self, kind: EventKind, record: EnrolmentRecord, caller: Caller, **details: str
    ) -> AuditEvent:
        """A line of the story."""
        return AuditEvent(
            kind,
            self.clock.now(),
            caller.principal,
            f"enrolments/{record.enrolment}",
            caller.request_id,
            details,
        )

    async def refuse(
        self,
        record: EnrolmentRecord,
        caller: Caller,
        error: SignerdError,
        kind: EventKind = EventKind.ENROLMENT_REFUSED,
        **details: str,
    ) -> SignerdError:
        """Put a refusal on record; the error to raise, with the support reference."""
        event = self.event(kind, record, caller, reason=error.reason, **details)
        current = await self.store.get_enrolment(record.enrolment)
        await self.store.change_enrolment(current, current, [event])
        return referred(record, error)


def check_scope(record: EnrolmentRecord, scope: Scope) -> None:
    """Raises PermissionDenied (OUT_OF_SCOPE)."""
    if not scope.covers(record.subscriber, record.key_group):
        raise PermissionDenied(
            f"enrolments/{record.enrolment} is outside your grants; ask the operator for a grant "
            "that names its subscriber",
            reason="OUT_OF_SCOPE",
        )


def referred(record: EnrolmentRecord, error: SignerdError) -> SignerdError:
    """The error with the number that the customer quotes to support."""
    error.metadata["support_reference"] = record.support_reference
    return error


def not_waiting(record: EnrolmentRecord, clock: Clock) -> WrongState | None:
    """Why an enrolment takes no more steps; None when it does."""
    name = f"enrolments/{record.enrolment}"
    match record.state_at(clock.now()):
        case EnrolmentState.COMPLETED:
            return WrongState(
                f"{name} is completed; open another one for what comes next",
                reason="ENROLMENT_COMPLETED",
            )
        case EnrolmentState.CANCELLED:
            return WrongState(
                f"{name} was cancelled; open another one", reason="ENROLMENT_CANCELLED"
            )
        case EnrolmentState.EXPIRED:
            return WrongState(
                f"{name} lapsed at {record.expires_utc:%Y-%m-%d %H:%M:%S} UTC; open another one",
                reason="ENROLMENT_EXPIRED",
            )
        case _:
            return None
