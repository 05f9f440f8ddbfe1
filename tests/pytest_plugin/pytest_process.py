"""pytest with the plugin, as a test engineer runs it: another process, another directory."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of this repository's own plugins; theirs may be others.
_OPTIONS = ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:cacheprovider")


def pytest_command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "pytest", *_OPTIONS, *arguments]


def environment() -> dict[str, str]:
    """Without what belongs to the run that this process is part of."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def run_pytest(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        pytest_command(*arguments),
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
