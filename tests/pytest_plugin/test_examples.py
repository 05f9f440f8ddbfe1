"""The example suite runs as it is written."""

from pathlib import Path

import pytest

from tests.pytest_plugin.pytest_process import ROOT, run_pytest

_EXAMPLE = ROOT / "examples" / "bank_tests"


@pytest.mark.long
def test_a_banks_own_tests_pass_under_xdist(tmp_path: Path) -> None:
    """Two workers share one daemon; whoever sets the clock has another."""
    report = tmp_path / "report.xml"
    done = run_pytest(
        _EXAMPLE, "-n", "2", "--dist", "loadfile", "-q", f"--junit-xml={report}", "-rA"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 passed" in done.stdout
