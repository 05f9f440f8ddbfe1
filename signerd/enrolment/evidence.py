"""Set passwords, and register keys for biometric assertions."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from signerd.audit.event import AuditEvent, EventKind
from signerd.config.secret_source import Secret
from signerd.core.error import WrongState
from signerd.core.record import RequestKey
from signerd.core.value import SubscriberId
from signerd.enrolment.call import EnrolmentContext
from signerd.identity.biometric import check_biometric_key
from signerd.identity.password import SALT_BYTES, expiry_of, new_password, verify_password
from signerd.identity.password_strength import personal_words
from signerd.registry.answered import Caller


@dataclass(frozen=True, slots=True)
class _PasswordSet:
    """The answer."""

    expires_utc: datetime


class EvidenceRegistration:
    """The use cases behind Enrolment.SetPassword and RegisterBiometricKey."""

    def __init__(self, context: EnrolmentContext) -> None:
        self._context = context

    async def set_password(
        self, subscriber: SubscriberId, current: Secret | None, new: Secret, caller: Caller
    ) -> datetime:
        """Set or change it, once; when it has to be changed. current: required where there is one.

        Raises WrongState (PASSWORD_CURRENT_MISSING), the refusals of `verify_password` and
        `new_password`, NotFound, PermissionDenied, Interrupted, StoreUnavailable, and as
        Sealer.
        """
        context, rule = self._context, self._context.rules.password
        registered = await context.registered(subscriber, caller)
        call = await context.answers.of("SetPassword", caller)
        if (earlier := await call.earlier(_PasswordSet)) is not None:
            return earlier.expires_utc
        before = await context.evidence.find_password(subscriber)
        now = context.clock.now()
        if before is not None:
            if current is None:
                raise WrongState(
                    "a password is set; send it as current_password to change it",
                    reason="PASSWORD_CURRENT_MISSING",
                )
            check = await asyncio.to_thread(
                verify_password,
                before,
                current,
                rule,
                now,
                salt=context.random(SALT_BYTES),
                even_expired=True,
            )
            if check.refusal is not None:
                event = self._event(
                    EventKind.PASSWORD_REFUSED, subscriber, caller, reason=check.refusal.reason
                )
                is_counted = check.state != before
                answer = await call.refusal(check.refusal) if is_counted else None
                await context.evidence.change_password(
                    subscriber, before, check.state, event, answer
                )
                raise check.refusal
        words = personal_words(
            name=registered.record.real_name,
            phone=registered.data.phone,
            email=registered.data.email,
        )
        after = await asyncio.to_thread(
            new_password, before, new, words, rule, now, salt=context.random(SALT_BYTES)
        )
        event = self._event(EventKind.PASSWORD_SET, subscriber, caller)
        done = _PasswordSet(expiry_of(after, rule))
        await context.evidence.change_password(
            subscriber, before, after, event, await call.result(done)
        )
        return done.expires_utc

    async def register_key(
        self, request: RequestKey, subscriber: SubscriberId, spki: bytes, caller: Caller
    ) -> None:
        """Raises InvalidRequest (BIOMETRIC_KEY_UNUSABLE), Conflict, NotFound, PermissionDenied,
        WrongState, StoreUnavailable."""
        check_biometric_key(spki)
        await self._context.registered(subscriber, caller)
        event = self._event(EventKind.BIOMETRIC_KEY_REGISTERED, subscriber, caller)
        await self._context.evidence.register_biometric_key(request, subscriber, spki, event)

    def _event(
        self, kind: EventKind, subscriber: SubscriberId, caller: Caller, **details: str
    ) -> AuditEvent:
        return AuditEvent(
            kind,
            self._context.clock.now(),
            caller.principal,
            f"subscribers/{subscriber}",
            caller.request_id,
            details,
        )
