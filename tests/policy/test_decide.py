"""Decisions: who may call what, for whom, and the reason given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.value import SubscriberId
from signerd.policy.decide import Scope, decide
from signerd.policy.grant import LOCAL_OPERATOR, Grant, Policy
from signerd.policy.permission import RPC_PERMISSIONS, Permission, Role

SIGN = "/signerd.v1.Signing/Sign"
ISSUE = "/signerd.v1.CertificateAuthority/IssueCertificate"
LIST = "/signerd.v1.CertificateAuthority/ListCertificates"
GET = "/signerd.v1.CertificateAuthority/GetCertificate"
REVOKE = "/signerd.v1.CertificateAuthority/RevokeCertificate"
HEALTH = "/grpc.health.v1.Health/Check"
APP = "uri:spiffe://bank.example/app"


def _covers(scope: Scope, subscriber: str, key_group: str = "") -> bool:
    return scope.covers(SubscriberId(subscriber), key_group)


def test_nobody_may_anything_without_a_grant() -> None:
    """An authenticated principal without a grant is denied every call but discovery."""
    for rpc, permission in RPC_PERMISSIONS.items():
        decision = decide(Policy(), APP, rpc)
        assert decision.allowed is (permission is Permission.SERVICE_DISCOVER), rpc
        assert not _covers(decision.scope, "cust-1")


def test_a_denial_names_principal_permission_and_role() -> None:
    """The caller reads what grant is missing and whom to ask."""
    decision = decide(Policy(), APP, ISSUE)

    assert decision.reason == (
        "principal uri:spiffe://bank.example/app has no role with permission certificate.issue; "
        "ask the operator for a grant of role ra-officer in policy.toml"
    )
    assert "role operator or ra-officer" in decide(Policy(), APP, REVOKE).reason


def test_an_unlisted_call_is_denied_to_everyone() -> None:
    """A call without a row in the table is denied, even to the operator."""
    decision = decide(Policy(), LOCAL_OPERATOR, "/signerd.v1.Signing/Export")

    assert not decision.allowed
    assert decision.permission is None
    assert "/signerd.v1.Signing/Export is not a call" in decision.reason


def test_a_grant_allows_its_role_and_no_more() -> None:
    """A signer signs and does not issue."""
    policy = Policy((Grant(APP, Role.SIGNER),))

    assert decide(policy, APP, SIGN).allowed
    assert decide(policy, APP, SIGN).reason == ""
    assert decide(policy, APP, SIGN).permission is Permission.SIGNATURE_CREATE
    assert not decide(policy, APP, ISSUE).allowed
    assert not decide(policy, f"{APP}2", SIGN).allowed


def test_grants_add_up_call_by_call() -> None:
    """Two grants give both roles, and each call has the scope of the grants that allow it."""
    policy = Policy(
        (
            Grant(APP, Role.SIGNER, subscribers=("cust-*",)),
            Grant(APP, Role.AUDITOR),
            Grant(APP, Role.SIGNER, subscribers=("corp-7",)),
        )
    )

    sign, read = decide(policy, APP, SIGN), decide(policy, APP, GET)

    assert sign.roles == ("auditor", "signer")
    assert _covers(sign.scope, "cust-1")
    assert _covers(sign.scope, "corp-7")
    assert not _covers(sign.scope, "corp-8")
    assert _covers(read.scope, "corp-8")


def test_the_local_socket_is_the_operators() -> None:
    """Whoever reaches the Unix socket has the operator's role without a grant."""
    decision = decide(Policy(), LOCAL_OPERATOR, LIST)

    assert decision.allowed
    assert decision.roles == ("operator",)
    assert decision.scope.subscriber_patterns() is None
    assert not decide(Policy(), LOCAL_OPERATOR, SIGN).allowed


def test_subscribers_and_key_groups_of_one_grant_both_have_to_fit() -> None:
    """A grant for payments of cust-* covers neither other groups nor other subscribers."""
    scope = Scope((Grant(APP, Role.SIGNER, ("cust-*",), ("payments",)),))

    assert _covers(scope, "cust-1", "payments")
    assert not _covers(scope, "cust-1", "login")
    assert not _covers(scope, "cust-1")
    assert not _covers(scope, "corp-1", "payments")


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("*", ["a", "cust-1"], []),
        ("cust-*", ["cust-1", "cust-"], ["xcust-1", "cust", "cust1"]),
        ("cust", ["cust"], ["cust-1", "custo", "xcust"]),
        ("*-1", ["a-1", "-1"], ["a-12"]),
        ("a*z", ["az", "abcz"], ["abc", "aza"]),
        ("a.c", ["a.c"], ["abc"]),
        ("a|b", [], ["a", "b"]),
        ("cust-1", ["cust-1"], ["cust-1\n"]),
    ],
)
def test_only_the_star_is_special(pattern: str, fitting: list[str], other: list[str]) -> None:
    """Patterns match whole ids, and no other character has a meaning."""
    scope = Scope((Grant(APP, Role.SIGNER, (pattern,)),))

    assert all(_covers(scope, one) for one in fitting)
    assert not any(_covers(scope, one) for one in other)


@given(parts=st.lists(st.text("ab-", max_size=3), min_size=2, max_size=4), between=st.text("abc-"))
def test_a_pattern_covers_what_it_was_made_from(parts: list[str], between: str) -> None:
    """Any text put in the place of the stars is covered."""
    scope = Scope((Grant(APP, Role.SIGNER, ("*".join(parts),)),))

    assert _covers(scope, between.join(parts))


def test_listing_is_limited_to_whole_subscribers() -> None:
    """Listing shows the subscribers granted; a grant on key groups shows nobody as a whole."""
    cust, corp = (Grant(APP, Role.OPERATOR, (name,)) for name in ("cust-*", "corp-*"))
    group = Grant(APP, Role.SIGNER, ("*",), ("payments",))
    everybody = Grant(APP, Role.OPERATOR)

    assert Scope((cust, corp, cust)).subscriber_patterns() == ("cust-*", "corp-*")
    assert Scope((group,)).subscriber_patterns() == ()
    assert Scope((group, cust)).subscriber_patterns() == ("cust-*",)
    assert Scope((cust, everybody)).subscriber_patterns() is None
    assert Scope(()).subscriber_patterns() == ()


def test_a_new_policy_is_decided_anew() -> None:
    """Decisions of one policy are kept and never answer for another, as after a reload."""
    before, after = Policy((Grant(APP, Role.SIGNER),)), Policy()

    assert decide(before, APP, SIGN) is decide(before, APP, SIGN)
    assert decide(before, APP, SIGN).allowed
    assert not decide(after, APP, SIGN).allowed
