"""The private daemons of a test run."""

import fcntl
import json
import time
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pytest_signerd.run import TestRun
from signerd_harness.daemon_directory import DaemonDirectory, DaemonFailed
from signerd_harness.private_daemon import DaemonSize, PrivateDaemon, make_daemon

EXPIRING: Final = "test-expiring"
# Back-dated by a day less two seconds, of the one day that it is valid.
_PROFILES: Final = {
    EXPIRING: """\
name = "test-expiring"
description = "Expires within two seconds, for tests of expired certificates"
validity_days = 1
backdate_s = 86398

[subject]
organizational_units = ["personal"]

[keys]
algorithms = ["RSA_2048_PKCS1_SHA256", "EC_P256_SHA256"]

[alternative_names]
email = "allowed"

[extensions]
key_usage = ["digitalSignature", "nonRepudiation"]
crl_distribution_points = ["{publisher}/crl/issuing.crl"]
ocsp = ["{publisher}/ocsp"]
ca_issuers = ["{publisher}/ca/issuing.cer"]
"""
}
_PUBLISHER_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.05
_SIZE: Final = DaemonSize(fronts=1, hosts=1)


def shared_daemon(run: TestRun, settings: Mapping[str, str]) -> DaemonDirectory:
    """The daemon of a run: started by whoever asks first, while others wait.

    Raises DaemonFailed; when it did not start once it is not tried again.
    """
    place = run.place()
    with _locked(place):
        record = place / "daemon.json"
        if not record.exists():
            record.write_text(json.dumps(_start(place, settings)))
        known = json.loads(record.read_text())
    if "failure" in known:
        raise DaemonFailed(known["failure"])
    return DaemonDirectory(Path(known["directory"]), known["address"], known["publisher_url"])


@contextmanager
def own_daemon(run: TestRun, name: str, settings: Mapping[str, str]) -> Iterator[PrivateDaemon]:
    """A daemon of one process of the run, which it may stop and start. Raises DaemonFailed."""
    daemon = PrivateDaemon(_made(run.place() / name, settings))
    try:
        wait_until_ready(daemon)
        yield daemon
    finally:
        daemon.end()


def _start(place: Path, settings: Mapping[str, str]) -> dict[str, str]:
    try:
        made = _made(place / "daemon", settings)
        daemon = PrivateDaemon(made)
        wait_until_ready(daemon)
        daemon.leave()
    except DaemonFailed as failure:
        return {"failure": str(failure)}
    return {name: str(value) for name, value in asdict(made).items()}


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def documents_of(state: Path) -> Path:
    """The file of identity documents that the daemon with this state directory takes for genuine:
    CSV with kind, number, name and date of issue."""
    return state / "documents.csv"


def _made(state: Path, settings: Mapping[str, str]) -> DaemonDirectory:
    documents = documents_of(state)
    with_documents = {"identity.document_verifier": json.dumps(f"file:{documents}"), **settings}
    place = make_daemon(state, _SIZE, with_documents, profiles=_PROFILES)
    documents.write_text("kind,number,name,issue_date\n")
    return place


def wait_until_ready(daemon: PrivateDaemon) -> None:
    """Until it answers clients and, where there is a publisher, relying parties. Raises
    DaemonFailed."""
    daemon.wait_until_serving()
    settings = tomllib.loads(daemon.configuration.read_text())
    if not settings["publisher"]["enabled"]:
        return
    deadline = time.monotonic() + _PUBLISHER_LIMIT_S
    while not _is_published(daemon.publisher_url):
        if time.monotonic() > deadline:
            raise DaemonFailed(f"the publisher does not answer at {daemon.publisher_url}")
        time.sleep(_POLL_S)


def _is_published(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=_PUBLISHER_LIMIT_S):  # noqa: S310 - ours
            return True
    except OSError:
        return False
