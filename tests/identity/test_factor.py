"""Which proofs are enough."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.identity.factor import (
    ANY_FACTOR,
    DEFAULT_FACTORS,
    FactorGroup,
    FactorPolicy,
    describe_missing,
    missing,
    missing_refusal,
    standing,
)

ISSUE, REISSUE, LOSS = EnrolmentPurpose
GROUPS = st.lists(st.frozensets(st.sampled_from(Factor), min_size=1), min_size=2, max_size=5)


def policy_of(*groups: FactorGroup) -> FactorPolicy:
    return FactorPolicy(dict.fromkeys(EnrolmentPurpose, groups))


def test_issue_needs_document_and_password_or_biometric() -> None:
    """The default for issue: the document always, and one of the two others."""
    second = frozenset({Factor.PASSWORD, Factor.BIOMETRIC})
    document = frozenset({Factor.DOCUMENT})

    assert missing(DEFAULT_FACTORS, ISSUE, ()) == (document, second)
    assert missing(DEFAULT_FACTORS, ISSUE, [Factor.DOCUMENT]) == (second,)
    assert missing(DEFAULT_FACTORS, ISSUE, [Factor.PASSWORD, Factor.PHONE_CODE]) == (document,)
    assert missing(DEFAULT_FACTORS, ISSUE, [Factor.DOCUMENT, Factor.BIOMETRIC]) == ()


def test_reissue_needs_document_and_phone_code() -> None:
    """The default for reissue: both, and nothing else replaces either."""
    others = [factor for factor in Factor if factor is not Factor.PHONE_CODE]

    assert missing(DEFAULT_FACTORS, REISSUE, others) == (frozenset({Factor.PHONE_CODE}),)
    assert missing(DEFAULT_FACTORS, REISSUE, [Factor.DOCUMENT, Factor.PHONE_CODE]) == ()


def test_a_loss_report_needs_any_two_different_factors() -> None:
    """One factor, given twice, is one proof; any second one completes it."""
    for first, second in permutations(Factor, 2):
        assert missing(DEFAULT_FACTORS, LOSS, [first, first]) == (ANY_FACTOR - {first},)
        assert missing(DEFAULT_FACTORS, LOSS, [first, second]) == ()


def test_what_is_missing_is_named() -> None:
    """The refusal names each missing factor, for people and for programs."""
    refusal = missing_refusal(missing(DEFAULT_FACTORS, ISSUE, ()))

    assert refusal.reason == "FACTOR_MISSING"
    assert refusal.message == (
        "the identity is not proven yet; still missing: identity document, "
        "and password or biometric assertion"
    )
    assert refusal.metadata == {"missing": "DOCUMENT,PASSWORD|BIOMETRIC"}
    assert all(describe_missing([frozenset({factor})]) for factor in Factor)


def test_groups_show_which_are_met() -> None:
    """The standing lists all groups in order, met or not."""
    shown = standing(DEFAULT_FACTORS, ISSUE, [Factor.BIOMETRIC])

    assert [one.is_met for one in shown] == [False, True]
    assert [one.group for one in shown] == list(DEFAULT_FACTORS.groups[ISSUE])


def test_a_proof_goes_to_the_group_that_needs_it() -> None:
    """A factor of two groups serves the one that has no other, whichever came first."""
    wide, narrow = frozenset({Factor.DOCUMENT, Factor.PASSWORD}), frozenset({Factor.DOCUMENT})

    for groups in ((wide, narrow), (narrow, wide)):
        policy = policy_of(*groups)
        assert missing(policy, ISSUE, [Factor.DOCUMENT, Factor.PASSWORD]) == ()
        assert missing(policy, ISSUE, [Factor.DOCUMENT]) == (frozenset({Factor.PASSWORD}),)


def is_met(groups: list[FactorGroup], proven: frozenset[Factor]) -> bool:
    """By trying every way of giving proofs to groups."""
    return any(
        all(factor in group for factor, group in zip(chosen, groups, strict=True))
        for chosen in permutations(proven, len(groups))
    )


@given(GROUPS, st.frozensets(st.sampled_from(Factor)))
def test_the_judgement_is_that_of_trying_everything(
    groups: list[FactorGroup], proven: frozenset[Factor]
) -> None:
    """Met exactly when some assignment meets it; and what is named as missing does help."""
    if not is_met(groups, ANY_FACTOR):
        with pytest.raises(ValueError, match="cannot be met"):
            policy_of(*groups)
        return
    policy = policy_of(*groups)
    lacking = missing(policy, ISSUE, proven)

    assert (lacking == ()) == is_met(groups, proven)
    for group in lacking:
        assert group
        assert not group & proven
        for factor in group:
            assert len(missing(policy, ISSUE, proven | {factor})) == len(lacking) - 1


def test_too_weak_a_policy_is_refused() -> None:
    """Reissue and report of loss always ask for two proofs, issue for one."""
    one = (frozenset({Factor.DOCUMENT}),)
    for purpose in EnrolmentPurpose:
        groups = {**DEFAULT_FACTORS.groups, purpose: ()}
        with pytest.raises(ValueError, match=f"{purpose} needs at least"):
            FactorPolicy(groups)
    for purpose in (REISSUE, LOSS):
        with pytest.raises(ValueError, match="at least 2"):
            FactorPolicy({**DEFAULT_FACTORS.groups, purpose: one})
    assert FactorPolicy({**DEFAULT_FACTORS.groups, ISSUE: one}).groups[ISSUE] == one
