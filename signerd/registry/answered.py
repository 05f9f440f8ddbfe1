"""Calls about subscribers whose answers are remembered."""

from dataclasses import dataclass, field

from signerd.identity.answer import AnsweredCall, AnswerStore
from signerd.identity.sealer import Sealer
from signerd.policy.decide import Scope
from signerd.registry.vault import Vault


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. request_id: of the change, or of the call where it has none of its own. content:
    of a change, without its id. deadline: seconds of time.monotonic()."""

    principal: str
    request_id: str
    content: bytes = field(repr=False)
    scope: Scope
    deadline: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What calls were answered."""

    store: AnswerStore
    vault: Vault
    sealer: Sealer

    async def of(self, method: str, caller: Caller) -> AnsweredCall:
        """Of this call. Raises as Sealer."""
        request = await self.vault.request_key(
            caller.principal, method, caller.request_id, caller.content, deadline=caller.deadline
        )
        return AnsweredCall(request, self.store, self.sealer, caller.deadline)
