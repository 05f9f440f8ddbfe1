"""The command as a real process against a scripted daemon on a Unix socket."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.scripted_daemon import ScriptedDaemon
from tests.client.signerctl_process import Signerctl


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="sd"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def daemon(directory: Path) -> Iterator[ScriptedDaemon]:
    with ScriptedDaemon(f"unix:{directory}/d.sock") as daemon:
        yield daemon


@pytest.fixture
def signerctl(daemon: ScriptedDaemon, directory: Path) -> Signerctl:
    assert daemon.port
    return Signerctl(f"unix:{directory}/d.sock")
