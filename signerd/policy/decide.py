"""May this principal call this RPC, and for whom."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from signerd.core.value import SubscriberId
from signerd.policy.grant import ANY, Grant, Policy
from signerd.policy.permission import (
    EVERYBODY,
    ROLE_PERMISSIONS,
    RPC_PERMISSIONS,
    Permission,
    roles_with,
)

_CACHED_DECISIONS = 8192


@dataclass(frozen=True, slots=True)
class Scope:
    """The subscribers and key groups that grants cover: each grant by itself, all together."""

    grants: tuple[Grant, ...]
    _rules: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        rules = tuple((_any_of(one.subscribers), _any_of(one.key_groups)) for one in self.grants)
        object.__setattr__(self, "_rules", rules)

    def covers(self, subscriber: SubscriberId, key_group: str) -> bool:
        """Whether a key of this subscriber in this group ("" for none) is within the scope."""
        return any(
            subscribers.fullmatch(subscriber) and key_groups.fullmatch(key_group)
            for subscribers, key_groups in self._rules
        )

    def subscriber_patterns(self) -> tuple[str, ...] | None:
        """Patterns of the subscribers whose certificates may be listed; None means all.

        A grant limited to key groups contributes none: it covers no subscriber as a whole.
        """
        whole = [grant for grant in self.grants if ANY in grant.key_groups]
        patterns = tuple(dict.fromkeys(one for grant in whole for one in grant.subscribers))
        return None if ANY in patterns else patterns


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. reason: why not, for the caller; "" when allowed. permission: what the RPC
    needs, None when the RPC is unknown. roles: all roles of the principal."""

    allowed: bool
    reason: str
    permission: Permission | None
    scope: Scope
    roles: tuple[str, ...]


@functools.lru_cache(maxsize=_CACHED_DECISIONS)
def decide(policy: Policy, principal: str, rpc: str) -> Decision:
    """Decide on a call by the full name of its RPC, such as "/signerd.v1.Signing/Sign".

    Denied unless listed and granted. Cached, because it stands before every call.
    """
    grants = policy.grants_of(principal)
    roles = tuple(sorted({grant.role.value for grant in grants}))
    permission = RPC_PERMISSIONS.get(rpc)
    if permission is None:
        reason = f"{rpc} is not a call of this daemon; see its list of services by reflection"
        return Decision(allowed=False, reason=reason, permission=None, scope=Scope(()), roles=roles)
    fitting = tuple(grant for grant in grants if permission in ROLE_PERMISSIONS[grant.role])
    allowed = bool(fitting) or permission in EVERYBODY
    return Decision(
        allowed=allowed,
        reason="" if allowed else _missing(principal, permission),
        permission=permission,
        scope=Scope(fitting),
        roles=roles,
    )


def _missing(principal: str, permission: Permission) -> str:
    wanted = " or ".join(roles_with(permission))
    return (
        f"principal {principal} has no role with permission {permission}; "
        f"ask the operator for a grant of role {wanted} in policy.toml"
    )


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(
        "|".join(".*".join(re.escape(part) for part in one.split(ANY)) for one in patterns),
        re.DOTALL,
    )
