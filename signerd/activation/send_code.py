"""Send a one-time code for the use of a key."""

from dataclasses import dataclass, replace
from datetime import datetime

from signerd.activation.call import ActivationContext, require_unlocked
from signerd.audit.event import EventKind
from signerd.core.error import Internal, WrongState
from signerd.core.message import Channel, MessageDraft, MessageKind
from signerd.core.record import CredentialRecord
from signerd.core.subscriber import PersonalData
from signerd.core.value import CredentialId
from signerd.identity.one_time_code import ActivationBinding, NewCode, make_code
from signerd.outbox.sealed import SealedContent, associated_of
from signerd.registry.answered import Caller
from signerd.registry.call import require_registered
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


class SendActivationCode:
    """The use case behind Activation.SendActivationCode."""

    def __init__(self, context: ActivationContext) -> None:
        self._context = context

    async def send(self, credential_id: CredentialId, caller: Caller) -> SentCode:
        """Have a new code sent to the registered phone, once; it replaces the one before. Code and
        message are stored together.

        Raises LimitExceeded (CODE_RESEND_TOO_SOON, CODE_HOURLY_LIMIT), WrongState
        (ACTIVATION_LOCKED, PHONE_NOT_REGISTERED, SUBSCRIBER_NOT_REGISTERED), Interrupted, and as
        ActivationContext.find and Sealer.
        """
        context = self._context
        credential = await context.find(credential_id, caller)
        subscriber = await context.subscribers.find_subscriber(credential.subscriber)
        if subscriber is None:
            raise Internal(f"credentials/{credential_id} has no subscriber")
        sealed = require_registered(subscriber)
        data = await context.vault.unseal(credential.subscriber, sealed, deadline=caller.deadline)
        if not data.phone:
            raise WrongState(
                f"no phone is registered for subscribers/{credential.subscriber}; register one, or "
                "use the PIN",
                reason="PHONE_NOT_REGISTERED",
            )
        call = await context.answers.of("SendActivationCode", caller)
        if (earlier := await call.earlier(_Sent)) is not None:
            return SentCode(masked(data).phone, earlier.expires_utc)
        before = await context.activations.find_activation(credential_id)
        require_unlocked(credential, before)
        now = context.clock.now()
        new = await make_code(
            before.code,
            ActivationBinding(credential_id),
            context.code_rule,
            now,
            random=context.random,
            mac=context.mac(caller),
        )
        expires_utc = new.record.expires_utc or now
        await context.activations.change_activation(
            credential_id,
            before,
            replace(before, code=new.record),
            context.event(EventKind.ACTIVATION_CODE_SENT, credential, caller),
            await call.result(_Sent(expires_utc)),
            message=await self._message(credential, subscriber.real_name, data, new, caller),
        )
        return SentCode(masked(data).phone, expires_utc)

    async def _message(
        self,
        credential: CredentialRecord,
        real_name: str,
        data: PersonalData,
        new: NewCode,
        caller: Caller,
    ) -> MessageDraft:
        sent_utc = new.record.sent_utc[-1]
        draft = MessageDraft(
            occasion=f"activation/{credential.credential_id}/{sent_utc.isoformat()}",
            kind=MessageKind.CODE,
            subscriber=credential.subscriber,
            created_utc=sent_utc,
            channel=Channel.SMS,
            expires_utc=new.record.expires_utc,
        )
        content = SealedContent(real_name, data.phone, data.language, {"code": new.code.reveal()})
        sealed = await self._context.sealer.seal(
            content.encode(), associated_of(draft.message_id), deadline=caller.deadline
        )
        return replace(draft, sealed=sealed)
