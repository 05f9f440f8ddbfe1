"""Processes that hang, are stopped or killed, while clients are at work."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from examples.private_daemon import DaemonProcess, DaemonSize, PrivateDaemon
from signerd.core.fault import FaultPoint
from signerd_client import AsyncClient, Client, Signature, SignItem
from signerd_client.error import DeadlineExceeded, ResourceExhausted
from tests.faults.scene import (
    BACK_S,
    HAS_SPY,
    NO_SPY,
    ONE_ATTEMPT,
    calls_of,
    faulty_daemon,
    is_replaced,
    issue,
    log_entries,
    one_attempt,
    process_named,
    spied,
    wait_until,
    wait_until_well,
)

pytestmark = pytest.mark.long

_CALL_LIMIT_S = 1.0
_GENERATE_LIMIT_S = 3.0
# A host that does nothing may be silent so long, a front twice as long.
_IDLE_LIMIT_S = 5.0
# The window of a host.
_IN_FLIGHT = 32
_QUEUE_LIMIT = 4


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateDaemon]:
    """Short limits, a short queue, fault points armed."""
    settings = {
        "tokens.call_limit_s": str(_CALL_LIMIT_S),
        "tokens.generate_limit_s": str(_GENERATE_LIMIT_S),
        "tokens.queue_limit": str(_QUEUE_LIMIT),
        "test.fault_directory": '"faults"',
    }
    with faulty_daemon(DaemonSize(fronts=2, hosts=2), settings | spied()) as running:
        (running.directory / "faults").mkdir()
        yield running


@pytest.fixture
def daemon(shared: PrivateDaemon) -> Iterator[PrivateDaemon]:
    """The daemon, well at the beginning and at the end."""
    wait_until_well(shared)
    yield shared
    wait_until_well(shared)


@pytest.fixture
def credential(daemon: PrivateDaemon) -> str:
    """A key."""
    with Client(daemon.target("ra-officer")) as officer:
        return issue(officer).credential


@pytest.fixture
def faults(daemon: PrivateDaemon) -> Path:
    """The directory in which a file makes a process stop."""
    return daemon.directory / "faults"


def losses(daemon: PrivateDaemon, process: DaemonProcess) -> list[dict[str, Any]]:
    """What the log says of the end of a process and those before it under its name."""
    entries = log_entries(daemon, "child.crashed")
    return [entry for entry in entries if entry["child"] == process.name]


def _sign_until(signer: Client, credential: str, condition: Callable[[], bool]) -> None:
    """Sign again and again; each must succeed."""
    wait_until(
        lambda: signer.sign(credential, data=b"order").signature and condition(), BACK_S, "signed"
    )


def test_a_stream_goes_on_through_the_death_of_its_front(
    daemon: PrivateDaemon, credential: str
) -> None:
    """Each front is killed in the middle of a stream, so also the one that serves it: every input
    has its own signature, in their order."""
    orders = [f"order {number}".encode() for number in range(1_500)]
    fronts = daemon.processes("front")
    kills = dict(zip((300, 900), fronts, strict=True))
    with Client(daemon.target("signer")) as signer:
        public = load_der_public_key(signer.get_public_key(credential).public_key)
        assert isinstance(public, ec.EllipticCurvePublicKey)
        items = (SignItem(credential, data=order) for order in orders)
        count = 0
        for order, result in zip(orders, signer.sign_stream(items), strict=True):
            assert isinstance(result, Signature), result
            public.verify(result.signature, order, ec.ECDSA(hashes.SHA256()))
            count += 1
            if count in kills:
                os.kill(kills[count].pid, signal.SIGKILL)
                wait_until(
                    lambda gone=kills[count]: is_replaced(daemon, gone),  # type: ignore[misc]
                    BACK_S,
                    "the front is replaced",
                )
    assert count == len(orders)


def test_a_signature_that_hangs_is_made_by_another_host(
    daemon: PrivateDaemon, credential: str, faults: Path
) -> None:
    """The host that does not come back is killed soon after the limit of the call and replaced,
    the client sees nothing of it, the log says why."""
    before = daemon.processes("host")
    hung_before = len(log_entries(daemon, "child.hung"))
    (faults / FaultPoint.HOST_BEFORE_SIGN).write_text("hang")
    with one_attempt(daemon, "signer") as signer:
        _sign_until(
            signer, credential, lambda: len(log_entries(daemon, "child.hung")) > hung_before
        )
        assert not (faults / FaultPoint.HOST_BEFORE_SIGN).exists()
        assert signer.sign(credential, data=b"order").signature
    hung = log_entries(daemon, "child.hung")[-1]
    assert hung["overdue_s"] < _CALL_LIMIT_S + 3
    (lost,) = [host for host in before if host.name == hung["child"]]
    wait_until(lambda: is_replaced(daemon, lost), BACK_S, "the host is replaced")
    assert "no sign of life" in losses(daemon, lost)[-1]["reason"]


def test_a_key_generation_that_hangs_is_done_by_another_host(
    daemon: PrivateDaemon, faults: Path
) -> None:
    """The customer gets the certificate at the first attempt."""
    before = daemon.processes("host")
    (faults / FaultPoint.HOST_BEFORE_GENERATE).write_text("hang")
    with one_attempt(daemon, "ra-officer") as officer, one_attempt(daemon, "signer") as signer:
        issued = issue(officer)
        assert signer.sign(issued.credential, data=b"order").certificate == issued.name
    assert not (faults / FaultPoint.HOST_BEFORE_GENERATE).exists()
    assert sum(is_replaced(daemon, host) for host in before) <= 1


@pytest.mark.parametrize("name", ["host-0", "host-1"])
def test_a_stopped_host_is_replaced_and_its_work_done_elsewhere(
    name: str, daemon: PrivateDaemon, credential: str
) -> None:
    """SIGSTOP: clients wait at most as long as a silent host is tolerated, and see no error."""
    host = process_named(daemon, name)
    known = len(losses(daemon, host))
    os.kill(host.pid, signal.SIGSTOP)
    with one_attempt(daemon, "signer") as signer:
        signed = [signer.sign(credential, data=b"order %d" % number) for number in range(5)]
        assert all(one.signature for one in signed)
    wait_until(lambda: is_replaced(daemon, host), BACK_S, "the host is replaced")
    assert "no sign of life" in losses(daemon, host)[known]["reason"]


def test_a_stopped_front_is_replaced_and_its_clients_go_on(
    daemon: PrivateDaemon, credential: str
) -> None:
    """Clients connected to it wait until it is killed, and are served by another without an
    error."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(daemon.target("signer"))) for _ in range(6)]
        operators = [stack.enter_context(Client(daemon.target("operator"))) for _ in range(2)]
        assert all(one.sign(credential, data=b"before").signature for one in clients)
        front = process_named(daemon, operators[0].server_info().process)
        os.kill(front.pid, signal.SIGSTOP)
        with ThreadPoolExecutor(len(clients)) as threads:
            signed = threads.map(
                lambda one: one.sign(credential, data=b"after", timeout_s=60), clients
            )
            assert all(one.signature for one in signed)
        assert operators[0].server_info(timeout_s=60).process_id != front.pid
    wait_until(lambda: is_replaced(daemon, front), BACK_S, "the front is replaced")
    assert "no sign of life" in losses(daemon, front)[-1]["reason"]


@pytest.mark.parametrize("name", ["host-0", "front-1", "keeper"])
def test_a_killed_process_is_replaced(name: str, daemon: PrivateDaemon, credential: str) -> None:
    """SIGKILL: the reason is in the log, and clients see no error while it is replaced."""
    process = process_named(daemon, name)
    os.kill(process.pid, signal.SIGKILL)
    with Client(daemon.target("signer")) as signer:
        _sign_until(signer, credential, lambda: is_replaced(daemon, process))
    assert losses(daemon, process)[-1]["reason"] == "signal SIGKILL"


async def test_a_full_queue_refuses_at_once(daemon: PrivateDaemon, credential: str) -> None:
    """While no host works, as much waits as the configuration says; what is beyond is refused at
    once with a time to come again, and what waits is done by the hosts that come."""
    for host in daemon.processes("host"):
        os.kill(host.pid, signal.SIGSTOP)
    async with AsyncClient(
        daemon.target("signer"), timeout_s=90, retry=ONE_ATTEMPT, coalesce=False
    ) as signer:
        begin = time.monotonic()
        refused_after: list[float] = []

        async def sign(number: int) -> str:
            try:
                await signer.sign(credential, data=b"order %d" % number)
            except ResourceExhausted as error:
                refused_after.append(time.monotonic() - begin)
                return f"{error.reason} {error.retry_after_s is not None}"
            return "signed"

        results = Counter(await asyncio.gather(*(sign(number) for number in range(150))))
    most_waiting = 2 * _IN_FLIGHT + _QUEUE_LIMIT
    assert set(results) == {"signed", "QUEUE_FULL True"}
    assert results["QUEUE_FULL True"] >= 150 - most_waiting
    # Before any host was found hung: they were refused and did not wait for that.
    assert max(refused_after) < _IDLE_LIMIT_S


@pytest.mark.skipif(not HAS_SPY, reason=NO_SPY)
async def test_what_nobody_waits_for_any_more_is_not_done(
    daemon: PrivateDaemon, credential: str
) -> None:
    """Calls whose deadline passes while the hosts do not answer cost no signature when they answer
    again."""
    hosts = daemon.processes("host")
    async with AsyncClient(daemon.target("signer"), retry=ONE_ATTEMPT, coalesce=False) as signer:
        for host in hosts:
            os.kill(host.pid, signal.SIGSTOP)
        before = calls_of(daemon, "C_Sign")
        late = await asyncio.gather(
            *(signer.sign(credential, data=b"late", timeout_s=0.5) for _ in range(30)),
            return_exceptions=True,
        )
        for host in hosts:
            os.kill(host.pid, signal.SIGCONT)
        assert {type(one) for one in late} == {DeadlineExceeded}
        assert (await signer.sign(credential, data=b"in time")).signature
    assert daemon.processes("host") == hosts
    # That one, and the probes of the fronts.
    assert 1 <= calls_of(daemon, "C_Sign") - before < 15
