import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = sorted(
    path
    for path in [*ROOT.joinpath("scripts").iterdir(), *ROOT.joinpath(".ci").iterdir()]
    if path.is_file()
)


def committed_files() -> Iterator[Path]:
    """Files git knows of, committed or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listing.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


def test_every_python_file_compiles() -> None:
    """No file is shipped that Python cannot even read."""
    files = [path for path in committed_files() if path.suffix in {".py", ".pyi"}]
    assert len(files) > 50
    for path in files:
        compile(path.read_text(), path, "exec", dont_inherit=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_strict_bash_that_parses(script: Path) -> None:
    """Each script can be executed, stops at the first failure and has no syntax error."""
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in text
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_no_file_names_a_package_registry_or_a_home_directory() -> None:
    """Nothing committed depends on one machine or on one place to download from."""
    words = ["pypi" + ".org", "python" + "hosted", "index" + "-url", "/root" + "/", "/home" + "/"]
    forbidden = re.compile("|".join(map(re.escape, words)))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed_files()
        if (match := forbidden.search(path.read_text(errors="replace")))
    ]
    assert found == []


def test_constraints_pin_versions_and_name_no_place() -> None:
    """Every constraint is an exact version, without URL or path."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 40
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []


def test_every_declared_dependency_is_constrained() -> None:
    """What pyproject.toml asks for directly is pinned in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.split(r"[^A-Za-z0-9._-]", text)[0].lower() for text in declared} - {"signerd"}
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert names - pinned == set()


def test_the_licence_is_apache_2_0() -> None:
    """The licence text is the whole Apache License 2.0, and the package says the same."""
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("Apache License\n")
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability." in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
