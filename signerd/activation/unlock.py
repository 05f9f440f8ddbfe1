"""Unlock the activation of a key."""

from dataclasses import replace

from signerd.activation.call import ActivationContext, Caller
from signerd.audit.event import EventKind
from signerd.core.value import CredentialId


class UnlockActivation:
    """The use case behind Activation.UnlockActivation."""

    def __init__(self, context: ActivationContext) -> None:
        self._context = context

    async def unlock(
        self, credential_id: CredentialId, caller: Caller, *, is_pin_reset: bool
    ) -> bool:
        """Forget the failures, and with is_pin_reset the PIN and all authorisations; whether a PIN
        is set now. What is not locked stays as it is. Raises Interrupted, and as
        ActivationContext.find."""
        context = self._context
        credential = await context.find(credential_id, caller)
        before = await context.activations.find_activation(credential_id)
        after = replace(before, failures=0)
        if is_pin_reset:
            after = replace(after, pin_hash=None, pin_set_utc=None)
        # Authorisations may be open though there is nothing else to reset.
        if after != before or is_pin_reset:
            event = context.event(
                EventKind.ACTIVATION_UNLOCKED, credential, caller, pin_reset=str(is_pin_reset)
            )
            await context.activations.change_activation(
                credential_id, before, after, event, withdraw=is_pin_reset
            )
        return after.pin_hash is not None
