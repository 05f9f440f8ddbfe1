"""Set the PIN of a key."""

import asyncio
from dataclasses import dataclass, replace

from signerd.activation.call import ActivationContext, Attempt, require_unlocked
from signerd.audit.event import EventKind
from signerd.config.secret_source import Secret
from signerd.core.error import WrongState
from signerd.core.value import CredentialId, SubscriberId
from signerd.identity.password import SALT_BYTES
from signerd.identity.pin import check_pin, hash_pin, is_pin, keyed_pin, matches_pin
from signerd.registry.answered import Caller


@dataclass(frozen=True, slots=True)
class _PinSet:
    """The answer, in which nothing is."""


class SetActivationPin:
    """The use case behind Activation.SetActivationPin."""

    def __init__(self, context: ActivationContext) -> None:
        self._context = context

    async def set(
        self, credential_id: CredentialId, new: Secret, current: Secret | None, caller: Caller
    ) -> None:
        """Set or change it, once; what was authorised with the old one is withdrawn.

        current: required where one is set. Raises InvalidRequest (PIN_MALFORMED, PIN_WEAK,
        PIN_WRONG), WrongState (PIN_CURRENT_MISSING, ACTIVATION_LOCKED), Interrupted, and as
        ActivationContext.find and Sealer.
        """
        context = self._context
        credential = await context.find(credential_id, caller)
        call = await context.answers.of("SetActivationPin", caller)
        if await call.earlier(_PinSet) is not None:
            return
        before = await context.activations.find_activation(credential_id)
        require_unlocked(credential, before)
        check_pin(new, phone=await self._phone(credential.subscriber, caller))
        if before.pin_hash is not None:
            if current is None:
                raise WrongState(
                    "a PIN is set; send it as current_pin to change it, or have it taken away with "
                    "UnlockActivation if the subscriber has forgotten it",
                    reason="PIN_CURRENT_MISSING",
                )
            attempt = Attempt(credential, before, call, caller)
            await require_pin(context, attempt, current, field="current_pin")
        keyed = await keyed_pin(new, credential.subscriber, context.mac(caller))
        hashed = await asyncio.to_thread(hash_pin, keyed, salt=context.random(SALT_BYTES))
        after = replace(before, pin_hash=hashed, pin_set_utc=context.clock.now(), failures=0)
        event = context.event(EventKind.ACTIVATION_PIN_SET, credential, caller)
        await context.activations.change_activation(
            credential_id, before, after, event, await call.result(_PinSet()), withdraw=True
        )

    async def _phone(self, subscriber: SubscriberId, caller: Caller) -> str:
        found = await self._context.subscribers.find_subscriber(subscriber)
        if found is None or found.sealed is None:
            return ""
        vault = self._context.vault
        data = await vault.unseal(subscriber, found.sealed, deadline=caller.deadline)
        return data.phone


async def require_pin(
    context: ActivationContext, attempt: Attempt, given: Secret, *, field: str
) -> None:
    """Raises what a wrong PIN is answered with, which was counted by then, and WrongState
    (PIN_ABSENT)."""
    credential, pin_hash = attempt.credential, attempt.before.pin_hash
    if pin_hash is None:
        raise WrongState(
            f"no PIN is set for credentials/{credential.credential_id}; an officer sets it with "
            "SetActivationPin, or use a one-time code",
            reason="PIN_ABSENT",
        )
    is_right = False
    # What could never be set costs no hashing; it counts all the same.
    if is_pin(given):
        mac = context.mac(attempt.caller)
        keyed = await keyed_pin(given, credential.subscriber, mac)
        is_right = await asyncio.to_thread(matches_pin, pin_hash, keyed)
    if not is_right:
        raise await context.count_failure(attempt, what="the PIN", reason="PIN_WRONG", field=field)
