"""Unlock the activation of a key."""

from dataclasses import dataclass, replace

from signerd.activation.call import ActivationContext
from signerd.audit.event import EventKind
from signerd.core.value import CredentialId
from signerd.registry.answered import Caller


@dataclass(frozen=True, slots=True)
class _Unlocked:
    """The answer."""

    is_pin_set: bool


class UnlockActivation:
    """The use case behind Activation.UnlockActivation."""

    def __init__(self, context: ActivationContext) -> None:
        self._context = context

    async def unlock(
        self, credential_id: CredentialId, caller: Caller, *, is_pin_reset: bool
    ) -> bool:
        """Forget the failures, and with is_pin_reset the PIN and all authorisations, once; whether
        a PIN is set by then. What is not locked stays as it is. Raises Interrupted, and as
        ActivationContext.find and Sealer."""
        context = self._context
        credential = await context.find(credential_id, caller)
        call = await context.answers.of("UnlockActivation", caller)
        if (earlier := await call.earlier(_Unlocked)) is not None:
            return earlier.is_pin_set
        before = await context.activations.find_activation(credential_id)
        after = replace(before, failures=0)
        if is_pin_reset:
            after = replace(after, pin_hash=None, pin_set_utc=None)
        unlocked = _Unlocked(after.pin_hash is not None)
        # Authorisations may be open though there is nothing else to reset.
        if after != before or is_pin_reset:
            event = context.event(
                EventKind.ACTIVATION_UNLOCKED, credential, caller, pin_reset=str(is_pin_reset)
            )
            await context.activations.change_activation(
                credential_id,
                before,
                after,
                event,
                await call.result(unlocked),
                withdraw=is_pin_reset,
            )
        return unlocked.is_pin_set
