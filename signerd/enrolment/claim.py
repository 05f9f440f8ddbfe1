"""Claim the certificate of an authorised enrolment, once."""

from dataclasses import dataclass, replace
from typing import Final

from signerd.audit.event import EventKind
from signerd.ca.ports import CertificateStore
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import Conflict, Interrupted, InvalidRequest, NotFound, SignerdError
from signerd.core.fault import FaultPoint, reach
from signerd.core.record import CertificateRecord
from signerd.enrolment.call import (
    EnrolmentContext,
    check_scope,
    not_waiting,
    referred,
)
from signerd.enrolment.certificate import CLAIM, EnrolmentCertificates, claim_request_id
from signerd.identity.authorisation import Claim, redeem, reference_mac
from signerd.registry.answered import Caller

_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Claimed:
    """replaced: the old certificate, for a reissue."""

    certificate: CertificateRecord
    replaced: CertificateRecord | None


class ClaimCertificate:
    """The use case behind Enrolment.ClaimCertificate."""

    def __init__(
        self,
        context: EnrolmentContext,
        certificates: EnrolmentCertificates,
        store: CertificateStore,
    ) -> None:
        self._context = context
        self._certificates = certificates
        self._store = store

    async def claim(self, claim: Claim, caller: Caller) -> Claimed:
        """The certificate. The claim that uses the authorisation up is bound to the enrolment
        before anything is made: it can be repeated, and no other gets anything.

        Raises the refusals of `redeem`, Conflict (ENROLMENT_CLAIMED), NotFound, PermissionDenied,
        WrongState, Interrupted, StoreUnavailable, and as IssueCertificate.issue.
        """
        for _ in range(_TRIES):
            record = await self._find(claim, caller)
            try:
                bound = await self._bind(record, claim, caller)
            except Interrupted:
                continue
            break
        else:
            raise referred(record, Interrupted("claimed several times at this moment; try again"))
        reach(FaultPoint.CLAIM_BOUND)
        certificate = await self._settled(bound, caller)
        reach(FaultPoint.CLAIM_ISSUED)
        await self._complete(bound, certificate, caller)
        replaced = None
        if bound.old_certificate is not None:
            replaced = await self._store.get_certificate(bound.old_certificate)
        return Claimed(certificate, replaced)

    async def _find(self, claim: Claim, caller: Caller) -> EnrolmentRecord:
        mac = await reference_mac(claim.reference_number, self._context.mac(caller))
        record = await self._context.store.find_by_authorisation(mac)
        if record is None:
            raise NotFound(
                "no authorisation has this reference number, or a newer one has taken its place; "
                "use the latest",
                reason="REFERENCE_NUMBER_UNKNOWN",
            )
        check_scope(record, caller.scope)
        return record

    async def _bind(self, record: EnrolmentRecord, claim: Claim, caller: Caller) -> EnrolmentRecord:
        """The enrolment, bound to this claim."""
        context, authorisation = self._context, record.authorisation
        claimer = (caller.principal, caller.request_id)
        is_claimed = any(record.claimer)
        if authorisation is None or (is_claimed and record.claimer != claimer):
            raise await self._refuse(record, caller, _claimed(record))
        if not is_claimed and (refusal := not_waiting(record, context.clock)):
            raise await self._refuse(record, caller, refusal)
        now = context.clock.now()
        check = await redeem(
            replace(authorisation, used_utc=None),
            record.enrolment,
            claim,
            context.rules.authorisation,
            authorisation.used_utc or now,
            mac=context.mac(caller),
        )
        if check.refusal is not None:
            judged = replace(check.state, used_utc=authorisation.used_utc)
            after = replace(record, authorisation=judged)
            raise await self._count(record, after, check.refusal, caller)
        if is_claimed:
            return record
        registered = await context.registered(record.subscriber, caller)
        try:
            await self._certificates.check(record, registered, caller)
        except SignerdError as error:
            raise await self._refuse(record, caller, error) from None
        event = context.event(EventKind.ENROLMENT_CLAIMED, record, caller)
        after = replace(record, authorisation=check.state, claimer=claimer)
        return await context.store.change_enrolment(record, after, [event])

    async def _count(
        self,
        record: EnrolmentRecord,
        after: EnrolmentRecord,
        refusal: SignerdError,
        caller: Caller,
    ) -> SignerdError:
        """Count a wrong code, unless the same call was counted; the error to raise."""
        call = await self._context.answers.of("ClaimCertificate", caller)
        # Of a claim nothing but refusals is remembered: this raises one.
        await call.earlier(dict)
        error = referred(record, refusal)
        event = self._context.event(
            EventKind.ENROLMENT_REFUSED, record, caller, reason=error.reason
        )
        answer = await call.refusal(error) if after != record else None
        await self._context.store.change_enrolment(record, after, [event], answer=answer)
        return error

    async def _refuse(
        self, record: EnrolmentRecord, caller: Caller, error: SignerdError
    ) -> SignerdError:
        return await self._context.refuse(record, caller, error)

    async def _settled(self, record: EnrolmentRecord, caller: Caller) -> CertificateRecord:
        """The certificate, made now or before."""
        known = record.certificate or await self._context.store.find_claimed(
            record, CLAIM, claim_request_id(record.enrolment)
        )
        if known is not None:
            return await self._store.get_certificate(known)
        registered = await self._context.registered(record.subscriber, caller)
        try:
            return await self._certificates.make(record, registered, caller)
        except SignerdError as error:
            raise await self._refuse(record, caller, error) from None

    async def _complete(
        self, record: EnrolmentRecord, certificate: CertificateRecord, caller: Caller
    ) -> None:
        details = {"certificate": f"certificates/{certificate.certificate_id}"}
        for _ in range(_TRIES):
            if record.state is EnrolmentState.COMPLETED:
                return
            event = self._context.event(EventKind.ENROLMENT_COMPLETED, record, caller, **details)
            after = replace(
                record, state=EnrolmentState.COMPLETED, certificate=certificate.certificate_id
            )
            try:
                await self._context.store.change_enrolment(record, after, [event])
            except Interrupted:
                record = await self._context.store.get_enrolment(record.enrolment)
            else:
                return


def _claimed(record: EnrolmentRecord) -> SignerdError:
    if record.authorisation is None:
        return InvalidRequest("there is no authorisation", reason="AUTHORISATION_ABSENT")
    return Conflict(
        "the certificate of this authorisation was claimed already by another call; repeat that "
        "one with its request_id, or open another enrolment",
        reason="ENROLMENT_CLAIMED",
    )
