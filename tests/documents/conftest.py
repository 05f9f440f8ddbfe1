"""One daemon with a publisher for all tests of documents and time stamps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm
from signerd_client.certificate import pem_encode
from tests.e2e.openssl import openssl
from tests.e2e.waiting import wait_until
from tests.publisher.relying_party import RelyingParty

Issue = Callable[[KeyAlgorithm], Certificate]


@pytest.fixture(scope="session")
def daemon() -> Iterator[PrivateDaemon]:
    """One front, one token host and a publisher."""
    with private_daemon(DaemonSize(fronts=1, hosts=1, publisher=True)) as running:
        party = RelyingParty(running.publisher_url, running.directory)
        wait_until(lambda: _is_up(party), "the publisher answers")
        yield running


def _is_up(party: RelyingParty) -> bool:
    try:
        return party.ask("/healthz").status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Issues and revokes."""
    with Client(daemon.target("ra-officer")) as client:
        yield client


@pytest.fixture(scope="session")
def signer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Signs for every subscriber."""
    with Client(daemon.target("signer")) as client:
        yield client


@pytest.fixture(scope="session")
def issued(officer: Client) -> Issue:
    """One certificate of each algorithm, for signatures that change nothing."""
    known: dict[KeyAlgorithm, Certificate] = {}

    def issue(algorithm: KeyAlgorithm) -> Certificate:
        if algorithm not in known:
            known[algorithm] = issue_for(officer, algorithm)
        return known[algorithm]

    return issue


def issue_for(officer: Client, algorithm: KeyAlgorithm) -> Certificate:
    """A new customer's certificate."""
    name = f"doc-{algorithm.value.lower().replace('_', '-')}"
    return officer.issue_certificate(name, "personal", "홍길동", key_algorithm=algorithm)


@pytest.fixture
def root_pem(officer: Client, tmp_path: Path) -> Path:
    """The root CA, the one thing that a judge trusts."""
    path = tmp_path / "root.pem"
    path.write_text(pem_encode("CERTIFICATE", officer.get_ca_chain()[-1]))
    return path


class CmsJudge:
    """`openssl cms -verify` with nothing but the root."""

    def __init__(self, directory: Path, root: Path) -> None:
        self._directory = directory
        self._root = root

    def accepts(self, message: bytes, content: bytes, *, is_detached: bool) -> str:
        """ "" when it verifies and the content is this one, otherwise why not."""
        files = {name: self._directory / name for name in ("message", "content", "out")}
        files["message"].write_bytes(message)
        files["content"].write_bytes(content)
        detached = ("-content", str(files["content"])) if is_detached else ()
        done = openssl(
            *("cms", "-verify", "-binary", "-purpose", "any", "-inform", "DER"),
            *("-in", str(files["message"]), "-CAfile", str(self._root)),
            *("-out", str(files["out"]), *detached),
        )
        if done.returncode != 0:
            return done.stderr
        return "" if files["out"].read_bytes() == content else "another content"


@pytest.fixture
def judge(tmp_path: Path, root_pem: Path) -> CmsJudge:
    """Openssl."""
    return CmsJudge(tmp_path, root_pem)


@pytest.fixture(scope="session")
def auditor(daemon: PrivateDaemon) -> Iterator[Client]:
    """Reads the audit."""
    with Client(daemon.target("auditor")) as client:
        yield client
