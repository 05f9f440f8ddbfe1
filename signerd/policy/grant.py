"""What the policy file says, checked."""

from dataclasses import dataclass
from typing import Final

from signerd.policy.algorithm import ANY_ALGORITHM, AlgorithmPolicy
from signerd.policy.permission import Role

LOCAL_OPERATOR: Final = "local:operator"
"""Whoever reaches the Unix socket, whose directory only the daemon's user can enter."""

ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a principal, on subscribers and key groups that both fit one of the patterns.

    A pattern is text in which `*` stands for anything, nothing included.
    """

    principal: str
    role: Role
    subscribers: tuple[str, ...] = (ANY,)
    key_groups: tuple[str, ...] = (ANY,)


@dataclass(frozen=True, slots=True)
class RateOverride:
    """How often one principal, or ANY, may call an RPC instead of what the limits table says."""

    principal: str
    rpc: str
    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """All grants, rate overrides and ends of algorithms. Compared by identity: it is the key of
    the decision cache.

    The local operator has the operator's role on everything without a grant.
    """

    grants: tuple[Grant, ...] = ()
    rates: tuple[RateOverride, ...] = ()
    algorithms: AlgorithmPolicy = ANY_ALGORITHM

    def grants_of(self, principal: str) -> tuple[Grant, ...]:
        """The grants of one principal; they add up."""
        found = tuple(grant for grant in self.grants if grant.principal == principal)
        if principal == LOCAL_OPERATOR:
            found += (Grant(LOCAL_OPERATOR, Role.OPERATOR),)
        return found
