import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scripts.benchmark.form_load import Form
from signerd_harness.state_template import TEMPLATE_VARIABLE

pytestmark = pytest.mark.long

ROOT: Final = Path(__file__).parents[2]
# As a user runs them.
_ENVIRONMENT: Final = {
    name: value for name, value in os.environ.items() if name != TEMPLATE_VARIABLE
}
LINE: Final = "demo: issued 200, signed 1000, verified 1000, reissued 20, refused 20, lost 0"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """An empty directory with a short path, for Unix sockets; must be empty again afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    yield directory
    left_behind = list(directory.iterdir())
    shutil.rmtree(directory)
    assert left_behind == []


def run(*command: str | Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=_ENVIRONMENT | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600)
def test_the_demo_counts_what_it_promises(temporary: Path) -> None:
    """On real files, daemon, token and openssl everything holds, and nothing is left behind."""
    result = run(sys.executable, "-m", "examples.demo", temporary=temporary)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.rstrip().splitlines()[-1] == LINE
    assert len(re.findall("killed after", result.stdout)) == 2


@pytest.mark.timeout(300)
def test_the_quick_benchmark_measures_everything(temporary: Path, tmp_path: Path) -> None:
    """Every part gives a figure, no call fails, and daemon and clients count the same."""
    result = run(
        *(sys.executable, "-m", "scripts.benchmark", "--quick"),
        *("--json", tmp_path / "b.json", "--plots", tmp_path),
        temporary=temporary,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    measured = json.loads((tmp_path / "b.json").read_text())
    assert {rate["callers"] for rate in measured["served"]} == {1, 8, 64}
    lines = [*measured["served"], *measured["issuance"], *measured["crowded"]]
    assert all(line["rate_per_s"] > 0 and line["errors"] == 0 for line in lines)
    assert all(line["hosts_cpu_us"] > 0 for line in measured["served"])
    assert all(ratio["ratio"] > 0 for ratio in measured["ratios"])
    assert len(measured["ratios"]) == 2
    assert [line["are_keys_ready"] for line in measured["single"]] == [False, False, True, True]
    assert all(line["calls"] == 5 and line["errors"] == 0 for line in measured["single"])
    assert {line["form"] for line in measured["forms"]} == set(Form)
    assert all(line["rate_per_s"] > 0 and line["errors"] == 0 for line in measured["forms"])
    assert all(line["server_cpu_us"] > 0 for line in measured["empty"])
    assert [line["batch_per_s"] > 0 for line in measured["lanes"]] == [False, True]
    assert all(line["cpu_us"] > 0 for line in measured["steps"])
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "signing-latency.png",
        "signing-rate.png",
    }
    counted = measured["reconciliation"]
    assert counted["recorded"] == counted["acknowledged"] > 0
