"""One running daemon for the tests that leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Client
from tests.e2e.raw_call import RawCaller, raw_caller
from tests.e2e.state import copy_state, initialise, short_directory


@pytest.fixture(scope="session")
def daemon() -> Iterator[PrivateDaemon]:
    """Two fronts, two token hosts, tokens of its own."""
    with private_daemon(DaemonSize(fronts=2, hosts=2)) as running:
        yield running


@pytest.fixture
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """The RA officer: issues, reissues, revokes."""
    with Client(daemon.target("ra-officer")) as client:
        yield client


@pytest.fixture
def signer(daemon: PrivateDaemon) -> Iterator[Client]:
    """An application that signs for every subscriber."""
    with Client(daemon.target("signer")) as client:
        yield client


@pytest.fixture
def auditor(daemon: PrivateDaemon) -> Iterator[Client]:
    """Reads the audit."""
    with Client(daemon.target("auditor")) as client:
        yield client


@pytest.fixture
def relying_party(daemon: PrivateDaemon) -> Iterator[Client]:
    """Asks whose a certificate is."""
    with Client(daemon.target("relying-party")) as client:
        yield client


@pytest.fixture
def operator(daemon: PrivateDaemon) -> Iterator[Client]:
    """Runs the daemon."""
    with Client(daemon.target("operator")) as client:
        yield client


@pytest.fixture(scope="session")
def raw_officer(daemon: PrivateDaemon) -> Iterator[RawCaller]:
    """The RA officer's bytes, as no client library of ours would send them."""
    with raw_caller(daemon, "ra-officer") as caller:
        yield caller


@pytest.fixture(scope="session")
def initialised() -> Iterator[Path]:
    """A state directory as init leaves it, to be copied."""
    with short_directory() as path:
        initialise(path)
        yield path


@pytest.fixture
def state(initialised: Path) -> Iterator[Path]:
    """A copy of it that a test may break."""
    with short_directory() as path:
        copy_state(initialised, path)
        yield path
