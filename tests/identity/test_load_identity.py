"""The file of identity rules: what it becomes and how mistakes are told."""

from pathlib import Path

import pytest

from signerd.core.boot import BootError, ExitCode
from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.identity.authorisation import AuthorisationRule
from signerd.identity.factor import ANY_FACTOR
from signerd.identity.load import IdentityRules, load_identity
from signerd.identity.lockout import LockoutRule
from signerd.identity.one_time_code import CodeRule
from signerd.identity.password import PasswordRule

GOOD = """\
[factors]
issue = [["DOCUMENT"], ["EMAIL_CODE", "PHONE_CODE"], ["*"]]

[lockout]
max_failures = 3
lock_s = 60
longest_s = 3600

[code]
lifetime_s = 120
resend_s = 20
max_per_hour = 6

[password]
max_age_days = 90
history = 8

[authorisation]
lifetime_days = 7
max_tries = 3
"""


def read(tmp_path: Path, text: str) -> IdentityRules:
    path = tmp_path / "identity.toml"
    path.write_text(text)
    return load_identity(path)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    """Every table and key may be left out."""
    assert read(tmp_path, "") == IdentityRules()


def test_every_key_reaches_its_rule(tmp_path: Path) -> None:
    """What stands in the file is what counts, for each key."""
    rules = read(tmp_path, GOOD)
    lockout = LockoutRule(3, 60, 3600)

    assert rules.code == CodeRule(120, 20, 6, lockout)
    assert rules.password == PasswordRule(90, 8, lockout)
    assert rules.authorisation == AuthorisationRule(7, 3)
    assert rules.factors.groups[EnrolmentPurpose.ISSUE] == (
        frozenset({Factor.DOCUMENT}),
        frozenset({Factor.EMAIL_CODE, Factor.PHONE_CODE}),
        ANY_FACTOR,
    )
    default = IdentityRules().factors.groups
    for purpose in (EnrolmentPurpose.REISSUE, EnrolmentPurpose.LOSS_REPORT):
        assert rules.factors.groups[purpose] == default[purpose]


def test_the_defaults_can_be_written_down(tmp_path: Path) -> None:
    """The default factors in the form of the file are the default."""
    text = (
        '[factors]\nissue = [["DOCUMENT"], ["PASSWORD", "BIOMETRIC"]]\n'
        'reissue = [["DOCUMENT"], ["PHONE_CODE"]]\nloss_report = [["*"], ["*"]]\n'
    )

    assert read(tmp_path, text) == IdentityRules()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[code]", "[codes]", "[codes]: unknown"),
        ("resend_s", "resent_s", "[code] resent_s: unknown"),
        ("history = 8", "history = 0", "[password] history: Input should be greater than"),
        ("history = 8", 'history = "8"', "[password] history: Input should be a valid integer"),
        ('["*"]', '["LOOKS"]', "[factors] issue: 'LOOKS' is no factor; use DOCUMENT, PASSWORD"),
        ('["*"]', "[]", "[factors] issue: List should have at least 1 item"),
        ('["*"]', '["DOCUMENT"]', "[factors] ISSUE cannot be met: one proof counts for one"),
        ("issue", "reissue = []\nissue", "[factors] REISSUE needs at least 2 groups"),
    ],
)
def test_a_mistake_names_table_and_key(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """The line says where the mistake is and what would be right."""
    assert old in GOOD
    with pytest.raises(BootError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))

    assert caught.value.code is ExitCode.CONFIG_INVALID
    assert caught.value.message.startswith(f"{tmp_path / 'identity.toml'}: {expected}")
