"""Calls of `sign` at the same time go together."""

import asyncio

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import StatusCode

from signerd.v1 import signing_pb2
from signerd_client import AsyncClient, SignItem, Target
from signerd_client.error import DeadlineExceeded, FailedPrecondition, PermissionDenied
from tests.client.scripted_daemon import ScriptedDaemon, refuse


def _order(number: int) -> bytes:
    return f"order {number}".encode()


def _check(daemon: ScriptedDaemon, signature: bytes, data: bytes) -> None:
    public = daemon.answers.holder.key.public_key()
    public.verify(signature, data, ec.ECDSA(hashes.SHA256()))


async def test_what_is_asked_together_is_sent_together(
    daemon: ScriptedDaemon, target: Target
) -> None:
    """Of a hundred calls the first goes alone, the others in their order in a few batches for
    which somebody waits; each caller has the signature of its own data."""
    async with AsyncClient(target, timeout_s=20) as client:
        await client.sign("c", data=b"first")
        signed = await asyncio.gather(*(client.sign("c", data=_order(n)) for n in range(100)))
    for number, one in enumerate(signed):
        _check(daemon, one.signature, _order(number))
    batches = daemon.script.requests["BatchSign"]
    assert len(daemon.script.requests["Sign"]) == 2
    assert 1 < len(batches) < 10
    # Threads of the scripted daemon may write down two batches in either order.
    orders = [[request.data for request in batch.requests] for batch in batches]
    orders.sort(key=lambda batch: int(batch[0].split()[1]))
    assert [data for batch in orders for data in batch] == [_order(n) for n in range(1, 100)]
    assert {batch.lane for batch in batches} == {signing_pb2.LANE_INTERACTIVE}


async def test_one_after_the_other_nothing_waits(daemon: ScriptedDaemon, target: Target) -> None:
    """Calls that follow each other, and calls with the switch off, go one by one."""
    async with AsyncClient(target, timeout_s=20) as client:
        for number in range(3):
            await client.sign("c", data=_order(number))
    async with AsyncClient(target, timeout_s=20, coalesce=False) as client:
        await asyncio.gather(*(client.sign("c", data=_order(n)) for n in range(20)))
    assert len(daemon.script.requests["Sign"]) == 23
    assert "BatchSign" not in daemon.script.requests


async def test_a_refusal_is_its_callers_alone(daemon: ScriptedDaemon, target: Target) -> None:
    """One of a batch is refused, the others are signed."""
    async with AsyncClient(target, timeout_s=20) as client:
        results = await asyncio.gather(
            *(client.sign("c", data=_order(n), purpose="refuse" * (n == 7)) for n in range(20)),
            return_exceptions=True,
        )
    refused = [n for n, one in enumerate(results) if isinstance(one, FailedPrecondition)]
    assert refused == [7]
    assert len([one for one in results if not isinstance(one, BaseException)]) == 19
    assert daemon.script.requests["BatchSign"]


async def test_a_refusal_of_all_is_everybodys(daemon: ScriptedDaemon, target: Target) -> None:
    """Each caller gets an exception of its own."""
    daemon.script.next_calls("BatchSign", *[refuse(StatusCode.PERMISSION_DENIED, "no")] * 5)
    async with AsyncClient(target, timeout_s=20) as client:
        first, *others = await asyncio.gather(
            *(client.sign("c", data=_order(n)) for n in range(10)), return_exceptions=True
        )
    assert not isinstance(first, BaseException)
    assert all(isinstance(one, PermissionDenied) for one in others)
    assert len({id(one) for one in others}) == 9


async def test_unavailable_is_tried_again(daemon: ScriptedDaemon, target: Target) -> None:
    """As for a call that goes alone."""
    daemon.script.next_calls("BatchSign", refuse(StatusCode.UNAVAILABLE, "later"))
    async with AsyncClient(target, timeout_s=20) as client:
        signed = await asyncio.gather(*(client.sign("c", data=_order(n)) for n in range(10)))
    for number, one in enumerate(signed):
        _check(daemon, one.signature, _order(number))


async def test_an_agreement_goes_alone(daemon: ScriptedDaemon, target: Target) -> None:
    """It counts once for all attempts of its call, which the request id of the call tells; in
    company the attempts would have that of the company."""
    daemon.script.next_calls("Sign", refuse(StatusCode.UNAVAILABLE, "later"))
    async with AsyncClient(target, timeout_s=20) as client:
        await asyncio.gather(
            *(client.sign("c", data=_order(n), authorisation="a.b") for n in range(3))
        )
    assert "BatchSign" not in daemon.script.requests
    assert len(daemon.script.requests["Sign"]) == 4
    assert len(set(daemon.script.request_ids["Sign"])) == 3


async def test_a_batch_keeps_its_request_id(daemon: ScriptedDaemon, target: Target) -> None:
    """Over all its attempts, so that an agreement is not counted again."""
    daemon.script.next_calls("BatchSign", refuse(StatusCode.UNAVAILABLE, "later"))
    items = [SignItem("c", data=_order(n), purpose="later" * (n == 1)) for n in range(3)]
    async with AsyncClient(target, timeout_s=20) as client:
        await client.batch_sign(items)
        await client.batch_sign([SignItem("c", data=b"other")])
    first, *again, other = daemon.script.request_ids["BatchSign"]
    assert again == [first]
    assert other != first


async def test_a_client_that_is_closed_leaves_nobody_waiting(
    daemon: ScriptedDaemon, target: Target
) -> None:
    """Calls that wait for company end when their client does, not at their deadline."""
    daemon.script.next_calls("Sign", daemon.script.hang)
    client = AsyncClient(target, timeout_s=20)
    calls = [asyncio.create_task(client.sign("c", data=_order(n))) for n in range(3)]
    await asyncio.sleep(0)
    await client.close()
    async with asyncio.timeout(5):
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, BaseException) for one in ended)


async def test_each_caller_has_its_own_deadline(daemon: ScriptedDaemon, target: Target) -> None:
    """Who has little time does not wait as long as those in whose company the call went."""
    daemon.script.next_calls("Sign", daemon.script.hang)
    daemon.script.next_calls("BatchSign", daemon.script.hang)
    async with AsyncClient(target, timeout_s=20) as client:
        patient = [asyncio.create_task(client.sign("c", data=_order(n))) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(DeadlineExceeded):
            await client.sign("c", data=b"hasty", timeout_s=0.3)
        assert not any(task.done() for task in patient)
        for task in patient:
            task.cancel()
        await asyncio.gather(*patient, return_exceptions=True)
