"""Send a one-time code to the registered phone or e-mail address."""

from dataclasses import dataclass, replace
from datetime import datetime

from signerd.audit.event import EventKind
from signerd.core.enrolment import EnrolmentRecord
from signerd.core.error import LimitExceeded
from signerd.core.evidence import CodeRecord, Factor
from signerd.core.message import Channel, MessageDraft, MessageKind
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import (
    EnrolmentContext,
    Registered,
    not_waiting,
)
from signerd.identity.one_time_code import CodeBinding, NewCode, make_code
from signerd.outbox.sealed import SealedContent, associated_of
from signerd.registry.answered import Caller
from signerd.registry.personal_data import masked


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is remembered: where it went stands in the subscriber's data, which may be erased."""

    expires_utc: datetime


@dataclass(frozen=True, slots=True)
class SentCode:
    """sent_to: masked. expires_utc: when the code lapses."""

    sent_to: str
    expires_utc: datetime


class SendCode:
    """The use case behind Enrolment.SendCode."""

    def __init__(self, context: EnrolmentContext) -> None:
        self._context = context

    async def send(self, enrolment: EnrolmentId, factor: Factor, caller: Caller) -> SentCode:
        """Have a new code sent, once; it replaces the one before.

        Code and message are stored together. Raises LimitExceeded (LOCKED_OUT,
        CODE_RESEND_TOO_SOON, CODE_HOURLY_LIMIT), NotFound, PermissionDenied, WrongState,
        Interrupted, StoreUnavailable, and as Sealer.
        """
        context = self._context
        record = await context.find(enrolment, caller)
        call = await context.answers.of("SendCode", caller)
        if (earlier := await call.earlier(_Sent)) is not None:
            registered = await context.registered(record.subscriber, caller)
            return SentCode(_masked(registered, factor), earlier.expires_utc)
        if refusal := not_waiting(record, context.clock):
            raise await context.refuse(record, caller, refusal)
        registered = await context.registered(record.subscriber, caller)
        now = context.clock.now()
        try:
            new = await make_code(
                record.codes.get(factor, CodeRecord()),
                CodeBinding(enrolment, factor, record.purpose),
                context.rules.code,
                now,
                random=context.random,
                mac=context.mac(caller),
            )
        except LimitExceeded as error:
            raise await context.refuse(record, caller, error, factor=factor.value) from None
        event = context.event(EventKind.ENROLMENT_CODE_SENT, record, caller, factor=factor.value)
        lapse = new.record.expires_utc or now
        await context.store.change_enrolment(
            record,
            replace(record, codes={**record.codes, factor: new.record}),
            [event],
            message=await self._message(record, registered, factor, new, caller),
            answer=await call.result(_Sent(lapse)),
        )
        return SentCode(_masked(registered, factor), lapse)

    async def _message(
        self,
        record: EnrolmentRecord,
        registered: Registered,
        factor: Factor,
        new: NewCode,
        caller: Caller,
    ) -> MessageDraft:
        is_phone = factor is Factor.PHONE_CODE
        data = registered.data
        sent_utc = new.record.sent_utc[-1]
        draft = MessageDraft(
            occasion=f"code/{record.enrolment}/{factor}/{sent_utc.isoformat()}",
            kind=MessageKind.CODE,
            subscriber=record.subscriber,
            created_utc=sent_utc,
            channel=Channel.SMS if is_phone else Channel.EMAIL,
            expires_utc=new.record.expires_utc,
        )
        content = SealedContent(
            registered.record.real_name,
            data.phone if is_phone else data.email,
            data.language,
            {"code": new.code.reveal()},
        )
        sealed = await self._context.sealer.seal(
            content.encode(), associated_of(draft.message_id), deadline=caller.deadline
        )
        return replace(draft, sealed=sealed)


def _masked(registered: Registered, factor: Factor) -> str:
    shown = masked(registered.data)
    return shown.phone if factor is Factor.PHONE_CODE else shown.email
