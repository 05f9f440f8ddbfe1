"""A daemon that goes away and comes back."""

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from signerd_client import AsyncClient, Client, Target
from tests.client.pki import Trust, make_identity
from tests.client.scripted_answer import EVENT_COUNT
from tests.client.scripted_daemon import Context, ScriptedDaemon


def test_calls_outlast_a_restart(trust: Trust) -> None:
    """Threads that were calling when the daemon stopped get their answers once it is back."""
    credentials = trust.server_credentials()
    first = ScriptedDaemon("localhost:0", credentials)
    with Client(trust.target(f"localhost:{first.port}")) as client:
        first.script.next_calls("Sign", *[first.script.hang] * 4)
        with ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(client.sign, "c", data=b"x") for _ in range(4)]
            for _ in calls:
                assert first.script.arrived.acquire(timeout=10)
            first.stop()
            time.sleep(0.3)
            with ScriptedDaemon(f"localhost:{first.port}", credentials, before=first) as second:
                assert all(call.result(timeout=20).signature for call in calls)
                assert len(second.script.requests["Sign"]) == 8


async def test_tasks_outlast_a_restart(trust: Trust) -> None:
    """The same holds for tasks."""
    credentials = trust.server_credentials()
    first = ScriptedDaemon("localhost:0", credentials)
    async with AsyncClient(trust.target(f"localhost:{first.port}")) as client:
        await client.server_info()
        first.stop()
        calls = [asyncio.create_task(client.sign("c", data=b"x")) for _ in range(4)]
        await asyncio.sleep(0.3)
        with ScriptedDaemon(f"localhost:{first.port}", credentials, before=first):
            assert all(signature.signature for signature in await asyncio.gather(*calls))


WATCHES: dict[str, Callable[[Client], Iterator[Any]]] = {
    "WatchAuditEvents": lambda client: client.watch_audit_events(after_position=0),
    "WatchCertificates": lambda client: client.watch_certificates(after_position=0),
}


@pytest.mark.parametrize("rpc", WATCHES)
def test_a_watch_goes_on_where_it_was(daemon: ScriptedDaemon, client: Client, rpc: str) -> None:
    """Cut after every second event, the stream gives each event once and in order."""

    def cut(context: Context, answer: Any) -> None:
        position = answer.event.position if rpc == "WatchAuditEvents" else answer.position
        if position % 2 == 0:
            context.abort(grpc.StatusCode.CANCELLED, "stopping")

    daemon.script.next_calls(rpc, cut, cut, cut)
    events = WATCHES[rpc](client)
    positions = [next(events).position for _ in range(EVENT_COUNT)]
    assert positions == list(range(1, EVENT_COUNT + 1))
    begins = [request.after_position for request in daemon.script.requests[rpc]]
    assert begins[:3] == [0, 2, 4]


async def test_an_asynchronous_watch_goes_on_where_it_was(
    daemon: ScriptedDaemon, target: Target
) -> None:
    """A stream that the daemon ended is opened again after the last event."""
    async with AsyncClient(target) as client:
        watch = client.watch_audit_events(after_position=3, timeout_s=1.0)
        assert [event.position async for event in watch] == [4, 5]
    begins = [request.after_position for request in daemon.script.requests["WatchAuditEvents"]]
    assert len(begins) > 1
    assert begins[:2] == [3, 5]


FRONT = """
import sys, threading
from pathlib import Path
import grpc
from tests.client.scripted_daemon import ScriptedDaemon
directory, port = Path(sys.argv[1]), sys.argv[2]
credentials = grpc.ssl_server_credentials(
    [((directory / "daemon.key").read_bytes(), (directory / "daemon.pem").read_bytes())],
    root_certificates=(directory / "ca.pem").read_bytes(),
    require_client_auth=True,
)
daemon = ScriptedDaemon(f"localhost:{port}", credentials)
print(daemon.port, flush=True)
threading.Event().wait()
"""


def _start_front(directory: Path, port: int) -> tuple[subprocess.Popen[str], int]:
    front = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(FRONT), str(directory), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert front.stdout is not None
    return front, int(front.stdout.readline())


def test_killing_a_front_is_not_noticed(trust: Trust) -> None:
    """Two processes share a port; while one after the other is killed with SIGKILL and replaced,
    every call of several threads is answered, each in little time."""
    make_identity("daemon", issuer=trust.ca, dns_names=["localhost"]).write(
        trust.directory, "daemon"
    )
    trust.ca.write(trust.directory, "ca")
    first, port = _start_front(trust.directory, 0)
    fronts = [first, _start_front(trust.directory, port)[0]]
    done = threading.Event()
    slowest = [0.0]

    def work(client: Client) -> int:
        count = 0
        while not done.is_set():
            begin = time.monotonic()
            assert client.sign("c", data=b"x").signature
            slowest[0] = max(slowest[0], time.monotonic() - begin)
            count += 1
        return count

    target = trust.target(f"localhost:{port}")
    clients = [Client(target) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as threads:
            counts = [threads.submit(work, client) for client in clients]
            try:
                for _ in range(4):
                    time.sleep(0.3)
                    killed = fronts.pop(0)
                    killed.send_signal(signal.SIGKILL)
                    killed.communicate()
                    fronts.append(_start_front(trust.directory, port)[0])
            finally:
                done.set()
            assert sum(count.result(timeout=30) for count in counts) > 100
    finally:
        for client in clients:
            client.close()
        for front in fronts:
            front.kill()
            front.communicate()
    assert slowest[0] < 3.0


def test_a_stream_is_left_without_waiting(client: Client) -> None:
    """Closing the iterator cancels the stream."""
    events = client.watch_audit_events(after_position=0)
    assert next(events).position == 1
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(events)
