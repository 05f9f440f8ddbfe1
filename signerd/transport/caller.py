"""Who is calling, as the interceptor found out; servicers read it from here."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from signerd.core.error import PermissionDenied
from signerd.core.value import SubscriberId
from signerd.policy.decide import Scope

LOCAL_OPERATOR = "local:operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated, authorised call under way.

    scope: what the grants cover. deadline: seconds of time.monotonic(). request_id: for log and
    audit where the request has none of its own. scope_now: for streams, what the grants cover by
    the policy as it is by now; raises PermissionDenied when they no longer allow the call.
    """

    principal: str
    roles: tuple[str, ...]
    scope: Scope
    deadline: float
    request_id: str
    scope_now: Callable[[], Scope]


current_caller: ContextVar[Caller] = ContextVar("current_caller")


def check_scope(subscriber: SubscriberId, key_group: str) -> None:
    """Raises PermissionDenied when the caller's grants do not cover this subscriber."""
    if not current_caller.get().scope.covers(subscriber, key_group):
        raise PermissionDenied(
            f"subscribers/{subscriber} is outside your grants; ask the operator for a grant that "
            "names it",
            reason="OUT_OF_SCOPE",
        )
