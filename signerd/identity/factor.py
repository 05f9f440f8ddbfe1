"""Which proofs of identity a purpose needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from signerd.core.error import WrongState
from signerd.core.evidence import EnrolmentPurpose, Factor

FactorGroup = frozenset[Factor]
"""Factors of which any one will do."""

ANY_FACTOR: Final[FactorGroup] = frozenset(Factor)

_WORDS: Final[Mapping[Factor, str]] = MappingProxyType(
    {
        Factor.DOCUMENT: "identity document",
        Factor.PASSWORD: "password",
        Factor.BIOMETRIC: "biometric assertion",
        Factor.PHONE_CODE: "code sent to the phone",
        Factor.EMAIL_CODE: "code sent to the e-mail address",
    }
)
# Whoever gets a certificate back, or takes one away, gives two independent proofs.
_LEAST: Final[Mapping[EnrolmentPurpose, int]] = MappingProxyType(
    {
        EnrolmentPurpose.ISSUE: 1,
        EnrolmentPurpose.REISSUE: 2,
        EnrolmentPurpose.LOSS_REPORT: 2,
    }
)


@dataclass(frozen=True, slots=True)
class FactorPolicy:
    """The groups of each purpose. One proof counts for one group only, so that the group of all
    factors, twice, means any two different ones. Raises ValueError for what cannot be met or asks
    for too little."""

    groups: Mapping[EnrolmentPurpose, tuple[FactorGroup, ...]]

    def __post_init__(self) -> None:
        for purpose in EnrolmentPurpose:
            needed = self.groups.get(purpose, ())
            if len(needed) < _LEAST[purpose]:
                raise ValueError(f"{purpose} needs at least {_LEAST[purpose]} groups of factors")
            if any(one is not None for one in _lacking(needed, frozenset(Factor))):
                raise ValueError(
                    f"{purpose} cannot be met: one proof counts for one group only, and there are "
                    "more groups than factors for them"
                )


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """A group and whether a proof was given for it. lacking: factors any of which would complete
    it; None when it is met."""

    group: FactorGroup
    lacking: FactorGroup | None

    @property
    def is_met(self) -> bool:
        return self.lacking is None


def standing(
    policy: FactorPolicy, purpose: EnrolmentPurpose, proven: Iterable[Factor]
) -> tuple[GroupStanding, ...]:
    """All groups of a purpose, in the order of the policy."""
    groups = policy.groups[purpose]
    return tuple(map(GroupStanding, groups, _lacking(groups, frozenset(proven))))


def missing(
    policy: FactorPolicy, purpose: EnrolmentPurpose, proven: Iterable[Factor]
) -> tuple[FactorGroup, ...]:
    """What is still to be proven: one factor of each, none of them proven yet; () when nothing."""
    lacking = _lacking(policy.groups[purpose], frozenset(proven))
    return tuple(one for one in lacking if one is not None)


def describe_missing(groups: Iterable[FactorGroup]) -> str:
    """For people: "identity document, and password or biometric assertion"."""
    return ", and ".join(" or ".join(_WORDS[one] for one in _ordered(group)) for group in groups)


def missing_refusal(groups: tuple[FactorGroup, ...]) -> WrongState:
    """FACTOR_MISSING, naming the factors; metadata `missing` has their names, groups separated by
    "," and alternatives by "|"."""
    return WrongState(
        f"the identity is not proven yet; still missing: {describe_missing(groups)}",
        reason="FACTOR_MISSING",
        metadata={"missing": ",".join("|".join(_ordered(group)) for group in groups)},
    )


def _ordered(group: FactorGroup) -> list[Factor]:
    return [factor for factor in Factor if factor in group]


def _lacking(
    groups: tuple[FactorGroup, ...], proven: frozenset[Factor]
) -> list[FactorGroup | None]:
    """For each group what would complete it; None where it is met.

    Proofs are given to groups so that as many as can be are met (bipartite matching by augmenting
    paths). Where no path is left, the unproven factors seen on the way are those that would make
    one.
    """
    holder: dict[Factor, int] = {}
    lacking: list[FactorGroup | None] = [None] * len(groups)
    for index in range(len(groups)):
        seen: set[Factor] = set()
        if not _place(index, groups, proven, holder, seen):
            lacking[index] = frozenset(seen - proven)
    return lacking


def _place(
    index: int,
    groups: tuple[FactorGroup, ...],
    proven: frozenset[Factor],
    holder: dict[Factor, int],
    seen: set[Factor],
) -> bool:
    for factor in _ordered(groups[index]):
        if factor in seen:
            continue
        seen.add(factor)
        if factor not in proven:
            continue
        other = holder.get(factor)
        if other is None or _place(other, groups, proven, holder, seen):
            holder[factor] = index
            return True
    return False


DEFAULT_FACTORS: Final = FactorPolicy(
    MappingProxyType(
        {
            EnrolmentPurpose.ISSUE: (
                frozenset({Factor.DOCUMENT}),
                frozenset({Factor.PASSWORD, Factor.BIOMETRIC}),
            ),
            EnrolmentPurpose.REISSUE: (
                frozenset({Factor.DOCUMENT}),
                frozenset({Factor.PHONE_CODE}),
            ),
            EnrolmentPurpose.LOSS_REPORT: (ANY_FACTOR, ANY_FACTOR),
        }
    )
)
