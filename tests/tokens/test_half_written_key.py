"""A key that a host saw half-written, as SoftHSM shows it while another process writes."""

import asyncio
import time
from pathlib import Path

import pytest

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import TokenRefused, TokenUnavailable
from signerd.core.value import KeyRef
from signerd.tokens.client import TokenClient
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256
_DIGEST = bytes(32)


async def _sign_in_the_end(client: TokenClient, key: KeyRef) -> bytes:
    """As a caller does that tries again when it is told to."""
    until = soon()
    while True:
        try:
            return await client.sign(key, _ALGORITHM, _DIGEST, deadline=until)
        except TokenUnavailable as error:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(error.retry_after_s or 0.1)


def _objects(stage: Stage) -> set[Path]:
    return set(stage.hsm.tokens.glob("*/*.object"))


async def test_a_key_seen_half_written_signs_once_it_is_whole(stage: Stage) -> None:
    """The second host read the key's files while they were half there, keeps them for damaged, and
    finds the key all the same by initialising the module anew."""
    stage.serve("host-0")
    stage.serve("host-1")
    async with connected(stage, only="host-0") as maker, connected(stage, only="host-1") as other:
        token = (await token_labelled(maker, "pool-1")).token
        before = _objects(stage)
        key = KeyRef(token, b"k" * 16)
        await maker.generate_key(key, _ALGORITHM, deadline=soon(), is_repeat=False)
        whole = {path: path.read_bytes() for path in _objects(stage) - before}
        for path, content in whole.items():
            path.write_bytes(content[: len(content) // 2])
        with pytest.raises((TokenRefused, TokenUnavailable)):
            await other.sign(key, _ALGORITHM, _DIGEST, deadline=soon())
        for path, content in whole.items():
            path.write_bytes(content)
        signature = await _sign_in_the_end(other, key)
        assert signature[0] == 0x30


async def test_a_key_that_is_nowhere_is_missing_in_the_end(stage: Stage) -> None:
    """Looking again is bounded: then the answer is that there is no such key."""
    stage.serve("host-0")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        with pytest.raises(TokenRefused) as missing:
            await _sign_in_the_end(client, KeyRef(token, b"n" * 16))
        assert missing.value.reason == "KEY_NOT_FOUND"
        with pytest.raises(TokenUnavailable) as again:
            await client.sign(KeyRef(token, b"m" * 16), _ALGORITHM, _DIGEST, deadline=soon())
        assert again.value.reason == "KEY_NOT_SEEN"
        assert again.value.retry_after_s is not None
        assert again.value.retry_after_s > 0


async def test_looking_for_a_key_is_not_put_off_for_ever(stage: Stage) -> None:
    """Whatever a reload was done for, it is the second look for the keys that were missed before
    it: one who looks for a key is not overtaken again and again by one who lists them."""
    stage.serve("host-0")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        key = KeyRef(token, b"o" * 16)
        await client.list_keys(token, deadline=soon())
        with pytest.raises(TokenUnavailable) as refused:
            await client.sign(key, _ALGORITHM, _DIGEST, deadline=soon())
        assert refused.value.reason == "KEY_NOT_SEEN"
        await asyncio.sleep(refused.value.retry_after_s or 0.1)
        # The listing takes the reload for which the other was told to wait.
        await client.list_keys(token, deadline=soon())
        with pytest.raises(TokenRefused) as missing:
            await client.sign(key, _ALGORITHM, _DIGEST, deadline=soon())
        assert missing.value.reason == "KEY_NOT_FOUND"
