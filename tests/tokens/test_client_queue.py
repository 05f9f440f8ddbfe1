"""The queue in front of the hosts is bounded, and nobody's work is not done."""

import asyncio
import os
import signal
import time

import pytest

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import DeadlineExceeded, LimitExceeded
from signerd.core.value import KeyRef
from signerd.tokens.client import TokenClient
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256


async def test_full_queue_refuses_at_once(stage: Stage) -> None:
    """With the window in flight and the queue full, one more request is refused at once and
    says when to come back; the others are done when the host goes on."""
    stage.serve("host-0")
    async with connected(stage, queue_limit=3, window=2) as client:
        key = KeyRef((await token_labelled(client, "pool-1")).token, os.urandom(16))
        await client.generate_key(key, _ALGORITHM, deadline=soon())
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        waiting = [
            asyncio.create_task(client.probe(key, _ALGORITHM, deadline=soon())) for _ in range(5)
        ]
        await asyncio.sleep(0)
        started = time.monotonic()
        with pytest.raises(LimitExceeded) as caught:
            await client.probe(key, _ALGORITHM, deadline=soon())
        assert time.monotonic() - started < 0.1
        assert caught.value.reason == "QUEUE_FULL"
        assert caught.value.retry_after_s
        stage.hosts["host-0"].process.send_signal(signal.SIGCONT)
        await asyncio.gather(*waiting)
        await client.probe(key, _ALGORITHM, deadline=soon())


async def test_cancelled_and_expired_work_is_not_sent(stage: Stage) -> None:
    """A generation whose caller has gone, or whose deadline passed in the queue, leaves no key;
    the place in the queue is free again."""
    stage.serve("host-0")
    async with connected(stage, queue_limit=2, window=1) as client:
        token = (await token_labelled(client, "pool-1")).token
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        kept, cancelled, expired, follower = (KeyRef(token, os.urandom(16)) for _ in range(4))

        make = client.generate_key
        first = asyncio.create_task(make(kept, _ALGORITHM, deadline=soon(30)))
        gone = asyncio.create_task(make(cancelled, _ALGORITHM, deadline=soon(30)))
        late = asyncio.create_task(make(expired, _ALGORITHM, deadline=soon(0.2)))
        await asyncio.sleep(0.05)
        gone.cancel()
        with pytest.raises(DeadlineExceeded):
            await late
        second = asyncio.create_task(make(follower, _ALGORITHM, deadline=soon(30)))
        await asyncio.sleep(0.05)
        stage.hosts["host-0"].process.send_signal(signal.SIGCONT)
        await asyncio.gather(first, second)
        listed = await client.list_keys(token, deadline=soon())
    assert gone.cancelled()
    assert {it.cka_id for it in listed} == {kept.cka_id, follower.cka_id}


async def test_work_cancelled_as_room_appears_is_not_sent(stage: Stage) -> None:
    """A caller that goes in the same turn of the event loop in which the host gets room is not
    served any more."""
    stage.serve("host-0")
    async with connected(stage, window=1) as client:
        token = (await token_labelled(client, "pool-1")).token
        kept, cancelled = (KeyRef(token, os.urandom(16)) for _ in range(2))
        make = client.generate_key
        first = asyncio.create_task(make(kept, _ALGORITHM, deadline=soon()))
        gone = asyncio.create_task(make(cancelled, _ALGORITHM, deadline=soon()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the first request is written, the second waits
        time.sleep(1.0)  # noqa: ASYNC251 - the answer arrives while the event loop stands still
        await asyncio.sleep(0)  # this task goes on before the answer is read
        gone.cancel()
        await first
        listed = await client.list_keys(token, deadline=soon())
    assert [it.cka_id for it in listed] == [kept.cka_id]


async def test_host_leaves_expired_work_alone(stage: Stage) -> None:
    """A generation that reached the host's socket but not the host before its deadline is not
    done."""
    stage.serve("host-0")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        with pytest.raises(DeadlineExceeded):
            await client.generate_key(KeyRef(token, os.urandom(16)), _ALGORITHM, deadline=soon(0.1))
        stage.hosts["host-0"].process.send_signal(signal.SIGCONT)
        assert await client.list_keys(token, deadline=soon()) == []


async def test_past_deadline_is_refused_without_a_host(stage: Stage) -> None:
    """A request whose deadline is past is not even queued."""
    stage.serve("host-0")
    async with connected(stage) as client:
        key = KeyRef((await token_labelled(client, "pool-1")).token, os.urandom(16))
        with pytest.raises(DeadlineExceeded):
            await client.generate_key(key, _ALGORITHM, deadline=time.monotonic())
        assert await client.list_keys(key.token, deadline=soon()) == []


def preferred(client: TokenClient, key: KeyRef) -> str:
    """The host that a key's requests go to while nothing else is to do."""
    return max(client._hosts.links, key=lambda it: it.rank(key.cka_id)).name


async def test_signing_goes_on_beside_generation(stage: Stage) -> None:
    """While the host that a key prefers makes another key, signatures are made by the other
    host: they do not wait for the generation."""
    stage.serve("host-0", "host-1")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        key = KeyRef(token, os.urandom(16))
        await client.generate_key(key, _ALGORITHM, deadline=soon())
        for _ in range(20):
            await asyncio.gather(
                *(client.probe(key, _ALGORITHM, deadline=soon()) for _ in range(64))
            )
        rival = KeyRef(token, os.urandom(16))
        while preferred(client, rival) != preferred(client, key):
            rival = KeyRef(token, os.urandom(16))
        making = asyncio.create_task(
            client.generate_key(rival, KeyAlgorithm.RSA_4096_PKCS1_SHA256, deadline=soon())
        )
        await asyncio.sleep(0)
        done = 0
        while not making.done() and done < 20:
            await client.probe(key, _ALGORITHM, deadline=soon())
            done += 1
        assert done > 1
        await making
