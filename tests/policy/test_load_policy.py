"""The policy file: what it becomes and how mistakes are told."""

from datetime import date
from pathlib import Path

import pytest

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.policy.algorithm import AlgorithmEnd, AlgorithmPolicy
from signerd.policy.grant import Grant, RateOverride
from signerd.policy.load import load_policy
from signerd.policy.permission import Role

GOOD = """\
[[grant]]
principal = "uri:spiffe://bank.example/ra"
role = "ra-officer"

[[grant]]
principal = "dns:app.bank.example"
role = "signer"
subscribers = ["cust-*", "corp-1"]
key_groups = ["payments"]

[[grant]]
principal = "local:operator"
role = "auditor"

[[limit]]
principal = "*"
rpc = "/signerd.v1.Signing/Sign"
per_second = 500
burst = 1000

[[algorithm]]
name = "RSA_2048_PKCS1_SHA256"
until = 2030-12-31
"""


def _problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BootError) as caught:
        load_policy(path)
    assert caught.value.code is ExitCode.CONFIG_INVALID
    lines = caught.value.message.splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_grants_and_limits_are_read(tmp_path: Path) -> None:
    """Every entry becomes a grant or a rate; what is left out means everything."""
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)

    policy = load_policy(path)

    assert policy.grants == (
        Grant("uri:spiffe://bank.example/ra", Role.RA_OFFICER, ("*",), ("*",)),
        Grant("dns:app.bank.example", Role.SIGNER, ("cust-*", "corp-1"), ("payments",)),
        Grant("local:operator", Role.AUDITOR, ("*",), ("*",)),
    )
    assert policy.rates == (RateOverride("*", "/signerd.v1.Signing/Sign", 500, 1000),)
    assert policy.algorithms == AlgorithmPolicy(
        (AlgorithmEnd(KeyAlgorithm.RSA_2048_PKCS1_SHA256, date(2030, 12, 31)),)
    )


def test_an_empty_file_grants_nothing(tmp_path: Path) -> None:
    """A policy without entries is valid and leaves the local operator alone."""
    path = tmp_path / "policy.toml"
    path.touch()

    assert load_policy(path).grants == ()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """No policy file is not the same as an empty one."""
    with pytest.raises(BootError, match="no such file"):
        load_policy(tmp_path / "policy.toml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ra-officer", "officer", "[[grant]] 1: role: unknown role 'officer'; use operator, "),
        ("role =", "rule =", "[[grant]] 1: role is missing"),
        ("uri:spiffe", "spiffe", "[[grant]] 1: principal: 'spiffe://bank.example/ra' is no"),
        ("dns:app", "dns:App", "[[grant]] 2: principal: 'dns:App.bank.example' is no principal"),
        ("local:operator", "local:root", "[[grant]] 3: principal: 'local:root' is no principal"),
        ("local:operator", "*", "[[grant]] 3: principal: '*' is no principal"),
        ("corp-1", "Corp-?", "[[grant]] 2: subscribers: 'Corp-?' is no pattern"),
        ('["payments"]', '"payments"', "[[grant]] 2: key_groups: Input should be a valid list"),
        ('["payments"]', "[]", "[[grant]] 2: key_groups: List should have at least 1 item"),
        ("key_groups", "key_group", "[[grant]] 2: unknown key key_group; did you mean key_groups?"),
        ("burst", "colour", "[[limit]] 1: unknown key colour; known are principal, rpc, "),
        ("/Sign", "/sign", "[[limit]] 1: rpc: '/signerd.v1.Signing/sign' is no call of the API; "),
        ("500", "0", "[[limit]] 1: per_second: Input should be greater than 0"),
        ("[[limit]]", "[[limits]]", "unknown table limits; use [[grant]], [[limit]] and "),
        (
            "RSA_2048",
            "RSA_1024",
            "[[algorithm]] 1: name: unknown algorithm 'RSA_1024_PKCS1_",
        ),
        ("2030-12-31", '"2030"', "[[algorithm]] 1: until: Input should be a valid date"),
        ("until", "til", "[[algorithm]] 1: unknown key til; did you mean until?"),
        ("[[limit]]", "[limit]", "limit is a list of tables; write [[limit]]"),
    ],
)
def test_a_mistake_names_entry_and_remedy(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    """The line says which entry is wrong and what would be right."""
    assert old in GOOD

    assert any(one.startswith(expected) for one in _problems(tmp_path, GOOD.replace(old, new, 1)))


def test_a_signer_must_be_limited_expressly(tmp_path: Path) -> None:
    """A signer for everybody is written down as such, never an omission."""
    entry = '[[grant]]\nprincipal = "dns:a"\nrole = "signer"\n'

    (problem,) = _problems(tmp_path, entry)

    assert problem.startswith("[[grant]] 1 (dns:a): name the subscribers or key_groups")
    path = tmp_path / "policy.toml"
    path.write_text(entry + 'subscribers = ["*"]\n')
    assert load_policy(path).grants[0].subscribers == ("*",)


def test_only_signers_are_limited_by_key_group(tmp_path: Path) -> None:
    """Who lists certificates lists whole subscribers, so a key group would be no limit."""
    (problem,) = _problems(
        tmp_path, '[[grant]]\nprincipal = "dns:a"\nrole = "ra-officer"\nkey_groups = ["x"]\n'
    )

    assert problem.startswith("[[grant]] 1 (dns:a): key_groups limits signers")


def test_two_limits_for_one_call_are_refused(tmp_path: Path) -> None:
    """It is never a question which of two entries counts."""
    (problem,) = _problems(
        tmp_path, GOOD + GOOD[GOOD.index("[[limit]]") : GOOD.index("[[algorithm]]")]
    )

    assert problem == "[[limit]] 2 (*): entry 1 limits the same call"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One error lists the mistakes of every entry."""
    problems = _problems(
        tmp_path, GOOD.replace("ra-officer", "x").replace("dns:", "ip:").replace("500", '"5"')
    )

    assert len(problems) == 3


def test_an_algorithm_ends_once(tmp_path: Path) -> None:
    """Two ends of one algorithm contradict each other."""
    entry = '[[algorithm]]\nname = "ED25519"\nuntil = 2030-12-31\n'

    assert _problems(tmp_path, entry * 2) == [
        "[[algorithm]] 2 (ED25519): entry 1 names the same one"
    ]
