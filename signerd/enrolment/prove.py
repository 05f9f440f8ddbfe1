"""Prove the identity of the subscriber, proof by proof."""

from dataclasses import replace
from typing import Final

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import Interrupted
from signerd.core.evidence import EnrolmentPurpose
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import Caller, EnrolmentContext, not_waiting, referred
from signerd.enrolment.judge import Judgement, Proof, ProofJudge
from signerd.identity.authorisation import NewAuthorisation, make_authorisation
from signerd.identity.factor import missing

# Of so many proofs at the same moment each is judged with what the others left behind.
_TRIES: Final = 8


class ProveIdentity:
    """The use case behind Enrolment.ProveIdentity."""

    def __init__(self, context: EnrolmentContext, judge: ProofJudge) -> None:
        self._context = context
        self._judge = judge

    async def prove(
        self, enrolment: EnrolmentId, proof: Proof, caller: Caller
    ) -> tuple[EnrolmentRecord, NewAuthorisation | None]:
        """The enrolment, and with the last proof for a certificate its authorisation.

        What comes of a proof is stored before it is answered. Raises the refusals of the checks,
        NotFound, PermissionDenied, WrongState, Interrupted, StoreUnavailable, and as Sealer.
        """
        for _ in range(_TRIES):
            record = await self._context.find(enrolment, caller)
            if refusal := not_waiting(record, self._context.clock):
                raise await self._context.refuse(record, caller, refusal)
            registered = await self._context.registered(record.subscriber, caller)
            judgement = await self._judge.judge(record, registered, proof, caller)
            try:
                return await self._settle(record, judgement, caller)
            except Interrupted:
                continue
        raise referred(record, Interrupted("many proofs are given at this moment; try again"))

    async def _settle(
        self, before: EnrolmentRecord, judgement: Judgement, caller: Caller
    ) -> tuple[EnrolmentRecord, NewAuthorisation | None]:
        after, authorisation = judgement.record, None
        refusal = judgement.refusal
        if refusal is not None:
            events = [self._refused(judgement, refusal.reason, caller)]
        else:
            after = replace(after, proven=after.proven | {judgement.factor})
            events = [self._accepted(judgement, caller)]
            if not missing(self._context.rules.factors, after.purpose, after.proven):
                after, authorisation = await self._authorised(after, caller)
                events.append(self._context.event(EventKind.ENROLMENT_AUTHORISED, after, caller))
        await self._context.store.change_enrolment(
            before, after, events, password=judgement.password
        )
        if refusal is not None:
            raise referred(before, refusal)
        return after, authorisation

    async def _authorised(
        self, record: EnrolmentRecord, caller: Caller
    ) -> tuple[EnrolmentRecord, NewAuthorisation | None]:
        record = replace(record, state=EnrolmentState.AUTHORISED)
        is_used = any(record.claimer)
        if record.purpose is EnrolmentPurpose.LOSS_REPORT or is_used:
            return record, None
        new = await make_authorisation(
            record.enrolment,
            self._context.rules.authorisation,
            self._context.clock.now(),
            random=self._context.random,
            mac=self._context.mac(caller),
        )
        return (
            replace(record, authorisation=new.record, expires_utc=new.record.expires_utc),
            new,
        )

    def _refused(self, judgement: Judgement, reason: str, caller: Caller) -> AuditEvent:
        return self._context.event(
            EventKind.ENROLMENT_PROOF_REFUSED,
            judgement.record,
            caller,
            factor=judgement.factor.value,
            reason=reason,
            **judgement.details,
        )

    def _accepted(self, judgement: Judgement, caller: Caller) -> AuditEvent:
        return self._context.event(
            EventKind.ENROLMENT_PROOF_ACCEPTED,
            judgement.record,
            caller,
            factor=judgement.factor.value,
            **judgement.details,
        )
