"""What one host makes and destroys, as another host sees it that is busy itself."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import HOST_LOST, TokenUnavailable
from signerd.core.fault import FaultPoint
from signerd.core.value import KeyRef
from signerd.tokens.client import TokenClient
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256


async def test_a_key_hidden_by_a_key_of_ones_own_is_seen_and_destroyed(stage: Stage) -> None:
    """SoftHSM marks every change of a token by a counter, and a process that writes takes over
    the changes of others uncounted: it signs with a key it does not see, and destroys it."""
    stage.serve("host-0", "host-1")
    async with connected(stage, only="host-0") as one, connected(stage, only="host-1") as other:
        token = (await token_labelled(one, "pool-1")).token
        for act in (_sign, _destroy):
            hidden, own = KeyRef(token, os.urandom(16)), KeyRef(token, os.urandom(16))
            await other.list_keys(token, deadline=soon())
            await one.generate_key(hidden, _ALGORITHM, deadline=soon(), is_repeat=False)
            await other.generate_key(own, _ALGORITHM, deadline=soon(), is_repeat=False)
            await _in_the_end(act, other, hidden)
    assert stage.hosts["host-1"].problems() == []


async def _sign(client: TokenClient, key: KeyRef) -> None:
    assert await client.sign(key, _ALGORITHM, bytes(32), deadline=soon())


async def _destroy(client: TokenClient, key: KeyRef) -> None:
    assert await client.destroy_key(key, deadline=soon(), was_made=True) == 2


async def _in_the_end(
    act: Callable[[TokenClient, KeyRef], Awaitable[None]], client: TokenClient, key: KeyRef
) -> None:
    """As a caller does that tries again when it is told to."""
    for _ in range(20):
        with contextlib.suppress(TokenUnavailable):
            await act(client, key)
            return
        await asyncio.sleep(0.5)
    pytest.fail("unavailable all the time")


async def test_a_key_is_not_made_twice_when_a_host_dies(stage: Stage) -> None:
    """A host that died may have made the key, so that another host is not asked for it: the caller
    is told, and chooses another CKA_ID."""
    stage.serve("host-0", "host-1")
    (stage.hsm.faults / FaultPoint.HOST_AFTER_GENERATE.value).write_text("kill")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        key = KeyRef(token, os.urandom(16))
        with pytest.raises(TokenUnavailable) as lost:
            await client.generate_key(key, _ALGORITHM, deadline=soon())
        assert lost.value.reason == HOST_LOST
        listed = await client.list_keys(token, deadline=soon())
        assert [it.cka_id for it in listed] == [key.cka_id]
        assert await client.destroy_key(key, deadline=soon()) == 2


async def test_a_listing_passes_over_keys_that_go_meanwhile(stage: Stage) -> None:
    """Keys destroyed by another host during a listing do not cost the session of the token."""
    stage.serve("host-0", "host-1")
    async with connected(stage, only="host-0") as one, connected(stage, only="host-1") as other:
        token = (await token_labelled(one, "pool-1")).token
        keys = [KeyRef(token, os.urandom(16)) for _ in range(60)]
        for key in keys:
            await one.generate_key(key, _ALGORITHM, deadline=soon(), is_repeat=False)

        async def destroy() -> None:
            for key in keys:
                assert await one.destroy_key(key, deadline=soon()) == 2

        going = asyncio.create_task(destroy())
        while not going.done():
            await other.list_keys(token, deadline=soon())
        await going
        assert await other.list_keys(token, deadline=soon()) == []
    for host in stage.hosts.values():
        assert host.problems() == []


async def test_work_of_a_front_that_died_is_not_begun(stage: Stage) -> None:
    """A key that a front asked for and died before the host came to it is not made."""
    stage.serve("host-0")
    async with connected(stage) as living:
        token = (await token_labelled(living, "pool-1")).token
        slow, unwanted = KeyRef(token, os.urandom(16)), KeyRef(token, os.urandom(16))
        async with connected(stage) as dying:
            occupied = asyncio.create_task(
                living.generate_key(slow, KeyAlgorithm.RSA_4096_PKCS1_SHA256, deadline=soon())
            )
            await asyncio.sleep(0.05)
            asked = asyncio.create_task(dying.generate_key(unwanted, _ALGORITHM, deadline=soon()))
            await asyncio.sleep(0.02)
            assert not occupied.done()
        with pytest.raises(TokenUnavailable):
            await asked
        await occupied
        await living.probe(slow, KeyAlgorithm.RSA_4096_PKCS1_SHA256, deadline=soon())
        listed = await living.list_keys(token, deadline=soon())
    assert [it.cka_id for it in listed] == [slow.cka_id]


@pytest.mark.parametrize(
    ("kind", "key_type"),
    [
        (ObjectClass.PRIVATE_KEY, KeyType.EC),
        (ObjectClass.SECRET_KEY, KeyType.AES),
        (ObjectClass.SECRET_KEY, KeyType.GENERIC_SECRET),
    ],
)
async def test_what_a_killed_host_left_unfinished_is_destroyed(
    stage: Stage, kind: ObjectClass, key_type: KeyType
) -> None:
    """An object of which SoftHSM had written only the default attributes goes; keys stay."""
    (token_directory,) = (
        path for path in stage.hsm.tokens.iterdir() if b"pool-1" in _token_object(path)
    )
    unfinished = token_directory / "00000000-0000-0000-0000-000000000001.object"
    unfinished.write_bytes(_half_written_key(kind, key_type))
    unfinished.with_suffix(".lock").touch()
    stage.serve("host-0")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        key = KeyRef(token, os.urandom(16))
        await client.generate_key(key, _ALGORITHM, deadline=soon())
        listed = await client.list_keys(token, deadline=soon())
        assert [it.cka_id for it in listed] == [key.cka_id]
        await client.probe(key, _ALGORITHM, deadline=soon())
    assert not unfinished.exists()


def _token_object(token_directory: Path) -> bytes:
    return (token_directory / "token.object").read_bytes()


def _half_written_key(kind: ObjectClass, key_type: KeyType) -> bytes:
    """As it was found after SIGKILL: the file format of SoftHSM's object store, a generation, then
    type, kind (1 boolean, 2 number, 3 bytes) and value of each attribute."""
    attributes: list[tuple[Attribute, int, bytes]] = [
        (Attribute.CLASS, 2, _number(kind)),
        (Attribute.TOKEN, 1, b"\0"),
        (Attribute.PRIVATE, 1, b"\xff"),
        (Attribute.LABEL, 3, _number(0)),
        (Attribute.KEY_TYPE, 2, _number(key_type)),
        (Attribute.ID, 3, _number(0)),
    ]
    return _number(1) + b"".join(
        _number(name) + _number(kind) + value for name, kind, value in attributes
    )


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
