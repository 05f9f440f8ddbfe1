"""The client and its command line without the daemon's libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pkcs11", "sqlalchemy", "alembic", "pydantic", "structlog", "msgspec"}
# The command-line library installs pydantic for itself.
NOT_INSTALLED = (HEAVY - {"pydantic", "pkcs11"}) | {"python-pkcs11", "pytest"}
PROBE = """
import json, sys
import signerd_client, signerctl.cli
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_a_bare_install_is_enough(tmp_path: Path) -> None:
    """`pip install .` into an empty environment gives a client and a command that start, and
    neither brings nor loads a PKCS#11, SQL or server library."""
    _run(sys.executable, "-m", "venv", "bare", cwd=tmp_path)
    python = str(tmp_path / "bare/bin/python")
    _run(python, "-m", "pip", "install", "--quiet", str(ROOT), cwd=tmp_path)
    loaded = set(json.loads(_run(python, "-c", PROBE, cwd=tmp_path)))
    assert {"signerd_client", "signerctl", "grpc"} <= loaded
    assert not loaded & HEAVY
    installed = json.loads(_run(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path))
    names = {package["name"].lower() for package in installed}
    assert not names & NOT_INSTALLED
    assert "Exit codes" in _run(str(tmp_path / "bare/bin/signerctl"), "--help", cwd=tmp_path)
    daemon = subprocess.run(
        [tmp_path / "bare/bin/signerd", "serve"], capture_output=True, text=True, check=False
    )
    assert (daemon.returncode, daemon.stdout) == (69, "")
    assert "pip install 'signerd[daemon]'" in daemon.stderr
    assert "Traceback" not in daemon.stderr
    (package,) = tmp_path.glob("bare/lib/python*/site-packages/signerd")
    shipped = {path.name for path in package.rglob("*") if path.is_file()}
    assert {"personal.toml", "env.py", "py.typed"} <= shipped


def test_nothing_heavy_is_imported() -> None:
    """Also where the daemon's libraries are installed, client and command load none of them."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not set(json.loads(done.stdout)) & HEAVY
