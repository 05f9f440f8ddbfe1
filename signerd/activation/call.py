"""What the calls of activation have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from signerd.activation.ports import ActivationStore, CredentialStore
from signerd.audit.event import AuditEvent, EventKind
from signerd.core.activation import Activation, ActivationRecord
from signerd.core.clock import Clock
from signerd.core.error import InvalidRequest, SignerdError, WrongState
from signerd.core.evidence import CodeRecord
from signerd.core.lifecycle import CredentialState
from signerd.core.record import CredentialRecord
from signerd.core.value import CredentialId
from signerd.identity.answer import AnsweredCall
from signerd.identity.keyed_hash import CallMac
from signerd.identity.one_time_code import CodeRule
from signerd.identity.sealer import Sealer
from signerd.registry.answered import Answers, Caller
from signerd.registry.ports import SubscriberStore
from signerd.registry.vault import Vault
from signerd.signing.sign import barred, check_scope

MOST_FAILURES: Final = 5


@dataclass(frozen=True, slots=True)
class ActivationContext:
    """What all of them work on. random: bytes from a secure source."""

    credentials: CredentialStore
    activations: ActivationStore
    answers: Answers
    subscribers: SubscriberStore
    vault: Vault
    sealer: Sealer
    code_rule: CodeRule
    clock: Clock
    random: Callable[[int], bytes]

    async def find(self, credential_id: CredentialId, caller: Caller) -> CredentialRecord:
        """A credential that requires activation and may sign again.

        Raises NotFound, PermissionDenied (OUT_OF_SCOPE), WrongState (ACTIVATION_NOT_REQUIRED,
        CREDENTIAL_RETIRED), StoreUnavailable.
        """
        credential = await self.credentials.get_credential(credential_id)
        check_scope(credential, caller.scope)
        if credential.activation is Activation.NONE:
            raise WrongState(
                f"credentials/{credential_id} signs without activation; there is nothing to agree "
                "to",
                reason="ACTIVATION_NOT_REQUIRED",
            )
        if credential.state not in (CredentialState.ACTIVE, CredentialState.SUSPENDED):
            raise barred(credential)
        return credential

    def mac(self, caller: Caller) -> CallMac:
        """Keyed hashes within the deadline of a call."""
        return CallMac(self.sealer, caller.deadline)

    def event(
        self, kind: EventKind, credential: CredentialRecord, caller: Caller, **details: str
    ) -> AuditEvent:
        """For the record, under the name of the credential."""
        return AuditEvent(
            kind,
            self.clock.now(),
            caller.principal,
            f"credentials/{credential.credential_id}",
            caller.request_id,
            {"subscriber": credential.subscriber, **details},
        )

    async def count_failure(
        self, attempt: "Attempt", *, what: str, reason: str, field: str
    ) -> SignerdError:
        """Count a wrong PIN or code, put it on record; the error to raise. The fifth locks, and a
        code that was waited for is void."""
        credential, before = attempt.credential, attempt.before
        after = replace(before, failures=before.failures + 1)
        if after.failures >= MOST_FAILURES:
            after = replace(after, code=CodeRecord(sent_utc=before.code.sent_utc))
        error = _wrong(credential, after.failures, what=what, reason=reason, field=field)
        await self.activations.change_activation(
            credential.credential_id,
            before,
            after,
            self.event(EventKind.ACTIVATION_REFUSED, credential, attempt.caller, reason=reason),
            await attempt.call.refusal(error),
        )
        return error


@dataclass(frozen=True, slots=True)
class Attempt:
    """A proof that is to be judged. before: the record that it is judged by."""

    credential: CredentialRecord
    before: ActivationRecord
    call: AnsweredCall
    caller: Caller


def require_unlocked(credential: CredentialRecord, record: ActivationRecord) -> None:
    """Raises WrongState (ACTIVATION_LOCKED)."""
    if record.failures >= MOST_FAILURES:
        raise locked(credential)


def locked(credential: CredentialRecord) -> WrongState:
    """What is said while nothing is judged."""
    return WrongState(
        f"{MOST_FAILURES} wrong PINs or codes in a row locked the activation of "
        f"credentials/{credential.credential_id}; it stays locked until an officer who knows whom "
        "it serves calls UnlockActivation",
        reason="ACTIVATION_LOCKED",
    )


def _wrong(
    credential: CredentialRecord, failures: int, *, what: str, reason: str, field: str
) -> SignerdError:
    if failures >= MOST_FAILURES:
        return locked(credential)
    left = MOST_FAILURES - failures
    return InvalidRequest(
        f"{what} is wrong; {left} {'try is' if left == 1 else 'tries are'} left before an "
        "officer has to unlock the key",
        reason=reason,
        metadata={"tries_left": str(left)},
        field=field,
    )
