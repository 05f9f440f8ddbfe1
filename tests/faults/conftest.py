"""Clients of the daemon that a module breaks: each module brings its own `daemon`."""

from collections.abc import Iterator

import pytest

from examples.private_daemon import PrivateDaemon
from signerd_client import Client
from tests.faults.scene import one_attempt


@pytest.fixture
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Issues, and sees each answer."""
    with one_attempt(daemon, "ra-officer") as client:
        yield client


@pytest.fixture
def signer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Signs, and sees each answer."""
    with one_attempt(daemon, "signer") as client:
        yield client
