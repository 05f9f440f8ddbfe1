import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

# Contract -> file in which one forbidden import is planted, and that import.
SEEDS: Final = {
    "Rooms import downwards only": ("signerd/core/seed_layer.py", "import signerd.app"),
    "Use cases reach tokens and store through their ports only": (
        "signerd/ca/seed_port.py",
        "import signerd.store",
    ),
    "The outbox reaches tokens and store through its ports only": (
        "signerd/outbox/seed_port.py",
        "import signerd.store",
    ),
    "The registry of subscribers does too": (
        "signerd/registry/seed_port.py",
        "import signerd.store",
    ),
    "The supervisor stays small": ("signerd/supervisor/seed_small.py", "import sqlite3"),
    "Only tokens knows PKCS#11": ("signerd/pki/seed_token.py", "import pkcs11"),
    "Only the store knows SQL": ("signerd/audit/seed_sql.py", "import sqlalchemy"),
    "Only transport and clients know gRPC": ("signerd/policy/seed_grpc.py", "import grpc"),
    "Only the publisher serves HTTP": ("signerd/ca/seed_http.py", "import aiohttp"),
    "Clients know the API and nothing else of the daemon": (
        "clients/signerd_client/seed_client.py",
        "import signerd.core",
    ),
    "Clients build on each other in one direction": (
        "clients/signerd_harness/seed_up.py",
        "import signerctl",
    ),
    "core is standard library only": ("signerd/core/seed_library.py", "import msgspec"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources with their contracts, to be broken without harm."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("signerd", "clients"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    paths = os.pathsep.join(str(directory / part) for part in ("", "clients"))
    return subprocess.run(
        [program, "--no-cache"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": paths, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def contract_names() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_the_sources_keep_every_contract(copy: Path) -> None:
    """As committed, no room imports what it must not know."""
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_bites(copy: Path) -> None:
    """A forbidden import planted for each contract breaks it."""
    assert set(SEEDS) == contract_names()
    for path, line in SEEDS.values():
        (copy / path).write_text(line + "\n")
    result = lint_imports(copy)
    assert result.returncode != 0
    broken = {name for name in SEEDS if f"{name} BROKEN" in result.stdout}
    assert broken == set(SEEDS), result.stdout


def test_the_supervisor_loads_little() -> None:
    """`signerd serve` itself never uses database, gRPC, PKCS#11 or HTTP, so it does not load them:
    it starts quickly and stays small."""
    heavy = {"sqlalchemy", "grpc", "pkcs11", "aiohttp"}
    program = f"import sys, signerd.app.cli; print(*sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert loaded.stdout.split() == []
