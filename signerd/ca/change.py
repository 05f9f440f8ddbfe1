"""Acts that change the state of a certificate and make no new one."""

from dataclasses import dataclass

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.ports import CertificateStore
from signerd.ca.scope import find_in_scope
from signerd.core.clock import Clock
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateChange, CertificateRecord, RequestKey
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId
from signerd.policy.decide import Scope


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A checked call."""

    request: RequestKey
    certificate: CertificateId
    scope: Scope


class CertificateChanger:
    """What suspending, resuming and revoking have in common."""

    def __init__(self, certificates: CertificateStore, clock: Clock) -> None:
        self._certificates = certificates
        self.clock = clock

    async def validate(self, call: ChangeRequest, act: CertificateAct) -> CertificateRecord:
        """The certificate as it stands, if its state allows the act. Raises NotFound,
        PermissionDenied, WrongState."""
        found = await self.find(call)
        next_state(found, act, self.clock.now())
        return found

    async def find(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate as it stands. Raises NotFound, PermissionDenied."""
        return await find_in_scope(self._certificates, call.certificate, call.scope)

    async def change(
        self, call: ChangeRequest, change: CertificateChange, event: AuditEvent
    ) -> CertificateRecord:
        """The certificate, changed. From the return on every process acts accordingly.

        The state is judged where it is changed, so that of two calls at the same moment one is
        refused. Raises NotFound, WrongState, Conflict, StoreUnavailable.
        """
        reach(FaultPoint.CHANGE_BEFORE_STORE)
        changed = await self._certificates.change_certificate(
            call.request, call.certificate, change, event
        )
        reach(FaultPoint.CHANGE_STORED)
        return changed


def change_event(
    kind: EventKind, call: ChangeRequest, change: CertificateChange, **details: str
) -> AuditEvent:
    """A change as the audit has it."""
    return AuditEvent(
        kind,
        change.time_utc,
        call.request.principal,
        f"certificates/{call.certificate}",
        call.request.request_id,
        details,
    )
