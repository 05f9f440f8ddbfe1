import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = (
    *("bash", "dirname", "sort", "flock", "sha256sum", "cut", "cat", "env"),
    *("openssl", "curl", "git"),
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of the set-up on a machine that has a shell, openssl and SoftHSM, and no Python."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "scripts/setup", tmp_path / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for tool in (*TOOLS, "softhsm2-util"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def set_up(machine: Path, *arguments: str, python: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "scripts/setup", *arguments],
        env={"PATH": str(machine / "bin"), "PYTHON": python, "HOME": str(machine)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_debian_package_is_named(machine: Path) -> None:
    """Without openssl, and without the rights or the program to install it, set-up says so."""
    (machine / "bin/openssl").unlink()
    result = set_up(machine)
    assert result.returncode == 1
    assert "openssl" in result.stderr
    assert "softhsm2" not in result.stderr


def python_without_venv(machine: Path) -> str:
    """A Python that cannot import ensurepip, as Debian's without python3-venv."""
    program = machine / "bin/python-without-venv"
    program.write_text(
        "#!/usr/bin/env bash\n"
        'case "$2" in *ensurepip*) exit 1 ;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return str(program)


def test_a_python_without_venv_is_told(machine: Path) -> None:
    """Debian splits venv off Python; set-up names the package that is missing."""
    result = set_up(machine, python=python_without_venv(machine))
    assert result.returncode == 1
    assert "python3-venv" in result.stderr


def test_an_unknown_argument_is_refused(machine: Path) -> None:
    """A mistyped extra installs nothing."""
    result = set_up(machine, "devel")
    assert result.returncode == 1
    assert "use daemon or dev" in result.stderr


def test_a_finished_set_up_is_not_repeated(machine: Path) -> None:
    """With the stamp of its inputs set-up needs neither Python nor network; new inputs void it."""
    python = machine / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/usr/bin/env bash\nexit 1\n")
    python.chmod(0o755)
    inputs = [(machine / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    digest = hashlib.sha256(b"".join([f"{machine}\n".encode(), *inputs])).hexdigest()
    (machine / ".venv/setup-dev").write_text(digest + "\n")
    crippled = python_without_venv(machine)
    assert set_up(machine, python=crippled).returncode == 0
    assert set_up(machine, "dev", python=crippled).returncode == 0
    with (machine / "constraints.txt").open("a") as constraints:
        constraints.write("# changed\n")
    assert "python3-venv" in set_up(machine, "dev", python=crippled).stderr
