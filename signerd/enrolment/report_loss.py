"""Report the loss of a certificate: it is revoked at once."""

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

from signerd.audit.event import EventKind
from signerd.ca.change import ChangeRequest
from signerd.ca.ports import CertificateStore
from signerd.ca.revoke import RevokeCertificate
from signerd.core.enrolment import EnrolmentState
from signerd.core.error import SignerdError, WrongState
from signerd.core.evidence import EnrolmentPurpose
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import CertificateRecord, RequestKey
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import EnrolmentContext, not_waiting
from signerd.identity.factor import missing, missing_refusal
from signerd.registry.answered import Caller


class ReportLoss:
    """The use case behind Enrolment.ReportLoss."""

    def __init__(
        self, context: EnrolmentContext, revoker: RevokeCertificate, store: CertificateStore
    ) -> None:
        self._context = context
        self._revoker = revoker
        self._store = store

    async def report(self, enrolment: EnrolmentId, caller: Caller) -> CertificateRecord:
        """The certificate, revoked (KEY_COMPROMISE); again: as it stands.

        Raises WrongState (FACTOR_MISSING and the states of enrolment and certificate), NotFound,
        PermissionDenied, Interrupted, StoreUnavailable.
        """
        context = self._context
        record = await context.find(enrolment, caller)
        lost = record.old_certificate
        if record.purpose is not EnrolmentPurpose.LOSS_REPORT or lost is None:
            raise await context.refuse(
                record,
                caller,
                WrongState(
                    f"enrolments/{enrolment} is no report of a loss; open one for LOSS_REPORT",
                    reason="ENROLMENT_PURPOSE",
                ),
            )
        if record.state is EnrolmentState.COMPLETED:
            return await self._store.get_certificate(lost)
        if refusal := not_waiting(record, context.clock):
            raise await context.refuse(record, caller, refusal)
        if lacking := missing(context.rules.factors, record.purpose, record.proven):
            raise await context.refuse(record, caller, missing_refusal(lacking))
        call = ChangeRequest(_request(record.enrolment, caller), lost, caller.scope)
        try:
            revoked = await self._revoker.revoke(call, RevocationReason.KEY_COMPROMISE)
        except SignerdError as error:
            raise await context.refuse(record, caller, error) from None
        event = context.event(
            EventKind.ENROLMENT_COMPLETED, record, caller, certificate=f"certificates/{lost}"
        )
        after = replace(record, state=EnrolmentState.COMPLETED)
        await context.store.change_enrolment(record, after, [event])
        return revoked


def _request(enrolment: EnrolmentId, caller: Caller) -> RequestKey:
    """Always the same one, so that a report that was cut short is brought to its end."""
    digest = sha256(f"loss of {enrolment}".encode()).digest()
    return RequestKey(caller.principal, "ReportLoss", str(UUID(bytes=digest[:16])), digest)
