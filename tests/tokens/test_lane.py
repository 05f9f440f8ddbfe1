"""Whoever waits goes before batches, and batches use what is left."""

import asyncio
import os
import signal
import time

import pytest

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import DeadlineExceeded, LimitExceeded, SignerdError, TokenRefused
from signerd.core.signing import Lane, SignTask
from signerd.core.value import KeyRef
from signerd.tokens.client import TokenClient
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.RSA_2048_PKCS1_SHA256
_DIGEST = bytes(32)


async def _key(client: TokenClient) -> KeyRef:
    key = KeyRef((await token_labelled(client, "pool-1")).token, os.urandom(16))
    await client.generate_key(key, _ALGORITHM, deadline=soon())
    return key


async def _batch(
    client: TokenClient, key: KeyRef, count: int, *, allowed_s: float = 60.0
) -> list[bytes | SignerdError]:
    tasks = [SignTask(key, _ALGORITHM, _DIGEST)] * count
    return await client.sign_many(tasks, deadline=soon(allowed_s), lane=Lane.BATCH)


async def test_a_batch_is_left_for_whoever_waits(stage: Stage) -> None:
    """While one host works on hundreds of RSA signatures, single ones are answered in between,
    each in a small part of the time that the batches take."""
    stage.serve("host-0")
    async with connected(stage) as client:
        key = await _key(client)
        begin = time.monotonic()
        batches = [asyncio.create_task(_batch(client, key, 400)) for _ in range(3)]
        taken = []
        while not any(task.done() for task in batches):
            asked = time.monotonic()
            await client.sign(key, _ALGORITHM, _DIGEST, deadline=soon())
            taken.append(time.monotonic() - asked)
        results = await asyncio.gather(*batches)
        whole = time.monotonic() - begin
    assert all(isinstance(one, bytes) for result in results for one in result)
    assert len(taken) > 10
    assert sorted(taken)[len(taken) // 2] < whole / 10


async def test_batches_go_on_beside_singles(stage: Stage) -> None:
    """However many interactive requests there are, a batch comes to its end."""
    stage.serve("host-0")
    async with connected(stage) as client:
        key = await _key(client)
        is_over = False

        async def busy() -> None:
            while not is_over:
                await client.sign(key, _ALGORITHM, _DIGEST, deadline=soon(60))

        callers = [asyncio.create_task(busy()) for _ in range(40)]
        results = await asyncio.wait_for(_batch(client, key, 60), 60)
        is_over = True
        await asyncio.gather(*callers)
    assert all(isinstance(one, bytes) for one in results)


async def test_full_lanes_refuse_at_once_and_apart(stage: Stage) -> None:
    """When too much waits in the batch lane one more batch is refused within milliseconds and told
    when to come back; the interactive lane still takes requests."""
    stage.serve("host-0")
    async with connected(stage, queue_limit=50) as client:
        key = await _key(client)
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        waiting = [asyncio.create_task(_batch(client, key, 20)) for _ in range(7)]
        await asyncio.sleep(0)
        begin = time.monotonic()
        with pytest.raises(LimitExceeded) as refused:
            await _batch(client, key, 20)
        assert time.monotonic() - begin < 0.05
        assert (refused.value.reason, bool(refused.value.retry_after_s)) == ("QUEUE_FULL", True)
        single = asyncio.create_task(client.sign(key, _ALGORITHM, _DIGEST, deadline=soon()))
        await asyncio.sleep(0)
        assert not single.done()
        stage.hosts["host-0"].process.send_signal(signal.SIGCONT)
        results = await asyncio.gather(*waiting)
        assert await single
    assert all(isinstance(one, bytes) for result in results for one in result)


async def test_what_nobody_waits_for_is_not_signed(stage: Stage) -> None:
    """Batches whose caller has gone or whose time is up leave the token alone; room is free
    again."""
    stage.serve("host-0")
    async with connected(stage, queue_limit=100) as client:
        key = await _key(client)
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        in_flight = [asyncio.create_task(_batch(client, key, 4)) for _ in range(4)]
        late = asyncio.create_task(_batch(client, key, 90, allowed_s=0.2))
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(_batch(client, key, 90))
        await asyncio.sleep(0.05)
        gone.cancel()
        assert all(isinstance(one, DeadlineExceeded) for one in await late)
        stage.hosts["host-0"].process.send_signal(signal.SIGCONT)
        await asyncio.gather(*in_flight)
        before = await _busy_s(client)
        assert all(isinstance(one, bytes) for one in await _batch(client, key, 90))
        # Not one of the 180: the next 90 alone kept the host busy.
        assert await _busy_s(client) > before
    assert gone.cancelled()


async def _busy_s(client: TokenClient) -> float:
    [host] = await client.health(deadline=soon())
    return host.busy_s


async def test_one_bad_key_harms_no_other(stage: Stage) -> None:
    """In one request to a host, what is signed with a key that is not there fails alone."""
    stage.serve("host-0")
    async with connected(stage) as client:
        key = await _key(client)
        missing = KeyRef(key.token, os.urandom(16))
        tasks = [SignTask(it, _ALGORITHM, _DIGEST) for it in (key, missing, key)]
        for _ in range(20):
            first, second, third = await client.sign_many(
                tasks, deadline=soon(), lane=Lane.INTERACTIVE
            )
            if isinstance(second, TokenRefused):
                break
            await asyncio.sleep(0.3)  # it is looked for again, but not at once
    assert isinstance(first, bytes)
    assert isinstance(third, bytes)
    assert isinstance(second, TokenRefused)
    assert second.reason == "KEY_NOT_FOUND"
