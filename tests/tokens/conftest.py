"""SoftHSM stages and clients for the tests of the token room."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signerd.core.record import TokenHealth
from signerd.tokens.client import TokenClient
from tests.tokens.soft_hsm import Stage


def make_stage() -> Stage:
    """An authority token and one of the pool."""
    stage = Stage(Path(tempfile.mkdtemp(prefix="sd")))
    stage.hsm.make_token("authority")
    stage.hsm.make_token("pool-1")
    return stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage of one test."""
    made = make_stage()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_stage() -> Iterator[Stage]:
    """A stage with one host for tests that do it no harm."""
    made = make_stage()
    made.serve("host-0")
    yield made
    made.close()


@asynccontextmanager
async def connected(
    stage: Stage, *, queue_limit: int = 1000, window: int = 32, only: str | None = None
) -> AsyncIterator[TokenClient]:
    """A client that is connected to every host of the stage, or to one."""
    sockets = {name: path for name, path in stage.sockets.items() if only in (None, name)}
    client = TokenClient(sockets, queue_limit=queue_limit, window=window)
    await client.start()
    try:
        until = time.monotonic() + 10
        while not all(it.connected for it in await client.health(deadline=until)):
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        yield client
    finally:
        await client.close()


def soon(seconds: float = 30.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


async def token_labelled(client: TokenClient, label: str) -> TokenHealth:
    """What the first host says of a token."""
    first = (await client.health(deadline=soon()))[0]
    return next(it for it in first.tokens if it.token.label == label)
