"""A scripted daemon over mutual TLS, and clients of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signerd_client import Client, Target
from tests.client.pki import Trust, make_identity
from tests.client.scripted_daemon import ScriptedDaemon


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path, make_identity("TLS CA"))


@pytest.fixture
def daemon(trust: Trust) -> Iterator[ScriptedDaemon]:
    with ScriptedDaemon("localhost:0", trust.server_credentials()) as daemon:
        yield daemon


@pytest.fixture
def target(trust: Trust, daemon: ScriptedDaemon) -> Target:
    return trust.target(f"localhost:{daemon.port}")


@pytest.fixture
def client(target: Target) -> Iterator[Client]:
    with Client(target, timeout_s=10) as client:
        yield client
