"""Prove the identity of the subscriber, proof by proof."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import Interrupted
from signerd.core.evidence import EnrolmentPurpose
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import EnrolmentContext, not_waiting, referred
from signerd.enrolment.judge import Judgement, Proof, ProofJudge
from signerd.identity.answer import AnsweredCall
from signerd.identity.authorisation import make_authorisation
from signerd.identity.factor import missing
from signerd.registry.answered import Caller

# Of so many proofs at the same moment each is judged with what the others left behind.
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class GivenAuthorisation:
    """What gets the certificate, together. code: with hyphens between its groups."""

    reference_number: str
    code: str = field(repr=False)
    expires_utc: datetime


@dataclass(frozen=True, slots=True)
class _Proven:
    """What is remembered of a proof that held."""

    authorisation: GivenAuthorisation | None


class ProveIdentity:
    """The use case behind Enrolment.ProveIdentity."""

    def __init__(self, context: EnrolmentContext, judge: ProofJudge) -> None:
        self._context = context
        self._judge = judge

    async def prove(
        self, enrolment: EnrolmentId, proof: Proof, caller: Caller
    ) -> tuple[EnrolmentRecord, GivenAuthorisation | None]:
        """The enrolment, and with the last proof for a certificate its authorisation; to the same
        call again the same one, with the enrolment as it is by then.

        What comes of a proof is stored before it is answered. Raises the refusals of the checks,
        NotFound, PermissionDenied, WrongState, Interrupted, StoreUnavailable, and as Sealer.
        """
        call = await self._context.answers.of("ProveIdentity", caller)
        for _ in range(_TRIES):
            record = await self._context.find(enrolment, caller)
            if (earlier := await call.earlier(_Proven)) is not None:
                return record, earlier.authorisation
            if refusal := not_waiting(record, self._context.clock):
                raise await self._context.refuse(record, caller, refusal)
            registered = await self._context.registered(record.subscriber, caller)
            judgement = await self._judge.judge(record, registered, proof, caller)
            try:
                return await self._settle(record, judgement, call, caller)
            except Interrupted:
                continue
        raise referred(record, Interrupted("many proofs are given at this moment; try again"))

    async def _settle(
        self, before: EnrolmentRecord, judgement: Judgement, call: AnsweredCall, caller: Caller
    ) -> tuple[EnrolmentRecord, GivenAuthorisation | None]:
        if judgement.refusal is not None:
            refusal = referred(before, judgement.refusal)
            await self._context.store.change_enrolment(
                before,
                judgement.record,
                [self._refused(judgement, refusal.reason, caller)],
                password=judgement.password,
                # What counted nothing may be judged another time.
                answer=await call.refusal(refusal) if _counts(before, judgement) else None,
            )
            raise refusal
        proven = judgement.record.proven | {judgement.factor}
        after, authorisation = replace(judgement.record, proven=proven), None
        events = [self._accepted(judgement, caller)]
        if not missing(self._context.rules.factors, after.purpose, after.proven):
            after, authorisation = await self._authorised(after, caller)
            events.append(self._context.event(EventKind.ENROLMENT_AUTHORISED, after, caller))
        await self._context.store.change_enrolment(
            before,
            after,
            events,
            password=judgement.password,
            answer=await call.result(_Proven(authorisation)),
        )
        return after, authorisation

    async def _authorised(
        self, record: EnrolmentRecord, caller: Caller
    ) -> tuple[EnrolmentRecord, GivenAuthorisation | None]:
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
            GivenAuthorisation(new.reference_number, new.code.reveal(), new.record.expires_utc),
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


def _counts(before: EnrolmentRecord, judgement: Judgement) -> bool:
    is_same = judgement.password is None or judgement.password[0] == judgement.password[1]
    return judgement.record != before or not is_same
