"""Profile files judged by the certificate they lead to, and the command that does it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signerd.core.boot import ExitCode
from signerd.pki.profile_lint import lint_profile
from tests.pki.software_authority import PROFILES

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
SHIPPED = sorted(PROFILES.rglob("*.toml"))
GOOD = """
name = "good"
validity_days = 30
[keys]
algorithms = ["EC_P256_SHA256"]
[extensions]
key_usage = ["digitalSignature"]
"""


def findings(folder: Path, text: str) -> tuple[str, ...]:
    """What is said of a file."""
    (folder / "good.toml").write_text(text)
    return lint_profile(folder / "good.toml", NOW)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profiles_are_right(path: Path) -> None:
    """Every file that comes with the daemon, those of its own keys included."""
    assert lint_profile(path, NOW) == ()


def test_a_profile_with_everything_is_right(folder: Path) -> None:
    """Required names, a day of ten years, a policy and locations leave nothing to say."""
    text = GOOD.replace("= 30", "= 3660") + (
        'crl_distribution_points = ["{publisher}/a.crl"]\n'
        '[[extensions.policies]]\noid = "1.2.3"\nnotice = "시험"\n'
        '[alternative_names]\nemail = "required"\ndns = "required"\n'
    )
    assert findings(folder, text) == ()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('extended_key_usage = ["timeStamping"]', "timeStamping is not critical (RFC 3161"),
        ('extended_key_usage = ["timeStamping", "clientAuth"]', "not the only purpose (RFC 3161"),
        ('extended_key_usage = ["OCSPSigning"]', "without id-pkix-ocsp-nocheck (RFC 6960"),
        ('extended_key_usage = ["1.3.6.1.5.5.7.3.9", "1.2.3"]', "not the only purpose (RFC 6960"),
        ("ocsp_no_check = true", "id-pkix-ocsp-nocheck without OCSPSigning"),
    ],
)
def test_settings_that_do_not_go_together_are_found(folder: Path, lines: str, problem: str) -> None:
    """Each key is right by itself; the certificate is not, and the standard is named."""
    (finding,) = findings(folder, GOOD + lines)
    assert finding.startswith("extensions.extended_key_usage: ")
    assert problem in finding


def test_every_wrong_key_is_named_at_once(folder: Path) -> None:
    """Not only the first, as when the daemon starts."""
    found = findings(folder, GOOD.replace("= 30", "= 0") + 'ocsp = ["x"]\ncolour = 1')
    assert [line.partition(": ")[0] for line in found] == [
        "validity_days",
        "extensions.ocsp.0",
        "extensions.colour",
    ]


def test_files_that_are_no_profile_are_findings(folder: Path) -> None:
    """Not TOML (with line and column), another name than the file's, not there."""
    assert "line 1, column 8" in findings(folder, "name = x\n")[0]
    assert findings(folder, GOOD.replace('"good"', '"bad"'))[0].startswith("name: ")
    assert lint_profile(folder / "missing.toml", NOW) == (
        "cannot be read: No such file or directory",
    )


def test_the_command_prints_a_line_a_finding(folder: Path) -> None:
    """Each line begins with the file; the exit status says whether there was a finding."""
    bad = folder / "good.toml"
    bad.write_text(GOOD + "ocsp_no_check = true")
    program = [str(Path(sys.executable).parent / "signerd"), "profile", "lint"]
    right = SHIPPED[0]
    for files, code, lines in (
        ([right], 0, [f"{right}: right"]),
        ([bad, right], ExitCode.CHECK_FAILED, [f"{bad}: ", f"{right}: right"]),
    ):
        done = subprocess.run(
            [*program, *map(str, files)], capture_output=True, text=True, check=False
        )
        said = done.stdout.splitlines()
        assert (done.returncode, done.stderr, len(said)) == (code, "", len(lines))
        assert all(line.startswith(start) for line, start in zip(said, lines, strict=True))
