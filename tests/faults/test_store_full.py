"""A state directory on a disk that fills up under a running daemon."""

import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd_client import Client
from signerd_client.error import Unavailable
from tests.faults.scene import (
    BACK_S,
    PROMPT_S,
    faulty_daemon,
    issue,
    one_attempt,
    query,
    signs,
    wait_until,
    wait_until_well,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs, which only root may")

_DISK = "16m"
# Room that is left in files that are there already is used up before the first refusal.
_MOST_SIGNATURES = 5000


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateDaemon]:
    """A daemon whose whole state, tokens and log included, lies on a small disk."""
    mounted = Path(tempfile.mkdtemp(prefix="sm"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", mounted], check=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(mounted))
            with faulty_daemon(DaemonSize(fronts=2, hosts=2)) as running:
                yield running
    finally:
        subprocess.run(["umount", mounted], check=True)
        mounted.rmdir()


@pytest.fixture
def daemon(shared: PrivateDaemon) -> Iterator[PrivateDaemon]:
    """The daemon, well at the beginning and at the end."""
    wait_until_well(shared)
    yield shared
    wait_until_well(shared)


@contextmanager
def full_disk(daemon: PrivateDaemon) -> Iterator[None]:
    """Not a byte is left, until the end."""
    ballast = daemon.directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


def test_a_full_disk_refuses_what_cannot_be_recorded(daemon: PrivateDaemon) -> None:
    """Signatures and issuances are refused with reason and advice as soon as they cannot be put on
    record; none that was answered is missing from the audit and none is there twice; with room on
    the disk service resumes by itself and requests that were refused are completed when
    repeated."""
    with one_attempt(daemon, "ra-officer") as officer, one_attempt(daemon, "signer") as signer:
        issued = issue(officer)
        before = _signatures(daemon)
        request_id, subscriber = str(uuid.uuid4()), "cust-full"
        answered = 0
        with full_disk(daemon):
            refused = None
            while refused is None:
                try:
                    signer.sign(issued.credential, data=b"order")
                    answered += 1
                except Unavailable as error:
                    refused = error
                assert answered < _MOST_SIGNATURES
            assert refused.reason == "STORE_FULL"
            assert "free space" in refused.message
            assert refused.retry_after_s
            for _ in range(5):
                begin = time.monotonic()
                with pytest.raises(Unavailable) as not_issued:
                    issue(officer, subscriber, request_id)
                assert time.monotonic() - begin < PROMPT_S
                assert not_issued.value.retry_after_s
            assert not_issued.value.reason == "STORE_FULL"
            assert not signs(signer, issued.credential)
            assert officer.get_certificate(issued.name) == issued
            assert list(officer.list_certificates(subscriber=subscriber)) == []
        wait_until(lambda: signs(signer, issued.credential), BACK_S, "signs again")
        assert _signatures(daemon) == before + answered + 1
    with Client(daemon.target("ra-officer")) as patient:
        late = issue(patient, subscriber, request_id)
        listed = list(patient.list_certificates(subscriber=subscriber))
    assert [one.name for one in listed] == [late.name]
    verified = daemon.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout


def test_hosts_that_die_on_a_full_disk_come_back(daemon: PrivateDaemon) -> None:
    """Replacing processes needs no room, and no token is harmed by the login of the new hosts."""
    with Client(daemon.target("ra-officer")) as officer:
        credential = issue(officer).credential
    hosts = daemon.processes("host")
    with full_disk(daemon), one_attempt(daemon, "operator") as operator:

        def are_replaced() -> bool:
            there = {host.process_id for host in operator.token_status().hosts if host.connected}
            return len(there) == len(hosts) and there.isdisjoint(host.pid for host in hosts)

        for host in hosts:
            os.kill(host.pid, signal.SIGKILL)
        # The list of processes is a file, too: it is old as long as the disk is full.
        wait_until(are_replaced, BACK_S, "other hosts are connected")
    wait_until_well(daemon)
    with one_attempt(daemon, "signer") as signer:
        wait_until(lambda: signs(signer, credential), BACK_S, "signs again")


def test_fronts_and_keeper_that_die_on_a_full_disk_come_back(daemon: PrivateDaemon) -> None:
    """They are tried again until there is room, and the daemon does not end."""
    with Client(daemon.target("ra-officer")) as officer:
        credential = issue(officer).credential
    lost = daemon.processes("front") + daemon.processes("keeper")
    with full_disk(daemon):
        for process in lost:
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(4)
    wait_until_well(daemon)
    with one_attempt(daemon, "signer") as signer:
        assert signs(signer, credential)


def _signatures(daemon: PrivateDaemon) -> int:
    ((count,),) = query(
        daemon, "SELECT count(*) FROM audit_events WHERE kind = 'signature.created'"
    )
    return int(count)
