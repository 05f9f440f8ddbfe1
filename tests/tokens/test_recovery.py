"""Tokens and hosts are allowed to fail."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signerd.config.settings import TokensSettings
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import HOST_LOST, DeadlineExceeded, TokenRefused, TokenUnavailable
from signerd.core.fault import FaultPoint
from signerd.core.signing import Lane, SignTask
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.client import TokenClient
from signerd.tokens.reload_gate import ReloadGate
from tests.tokens import scenario
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.scenario import in_child
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256


async def new_key(client: TokenClient, label: str) -> KeyRef:
    """A key on the token with this label."""
    key = KeyRef((await token_labelled(client, label)).token, os.urandom(16))
    await client.generate_key(key, _ALGORITHM, deadline=soon())
    return key


async def signs_within(client: TokenClient, key: KeyRef, seconds: float) -> bool:
    """Whether the key signs again before so many seconds have passed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            await client.probe(key, _ALGORITHM, deadline=soon(5))
        except TokenUnavailable as error:
            await asyncio.sleep(min(error.retry_after_s or 60, 0.5))
        else:
            return True
    return False


def directory_of(stage: Stage, label: str) -> Path:
    """Where SoftHSM keeps a token; its label stands in token.object in clear."""
    return next(
        it
        for it in stage.hsm.tokens.iterdir()
        if label.encode() in (it / "token.object").read_bytes()
    )


async def test_service_resumes_when_the_token_is_back(stage: Stage) -> None:
    """A token directory that vanishes makes its keys unavailable, not lost; once it is back the
    same host signs with the same key."""
    stage.serve("host-0")
    place, away = stage.hsm.tokens, stage.hsm.directory / "away"
    async with connected(stage) as client:
        key = await new_key(client, "pool-1")
        place.rename(away)
        place.mkdir()
        with pytest.raises(TokenUnavailable):
            await client.destroy_key(key, deadline=soon())
        with pytest.raises(TokenUnavailable) as caught:
            await client.probe(key, _ALGORITHM, deadline=soon())
        assert caught.value.retry_after_s
        place.rmdir()
        away.rename(place)
        assert await signs_within(client, key, 25)
    assert stage.hosts["host-0"].process.poll() is None


async def test_another_host_signs_while_the_token_does_not_answer_one(stage: Stage) -> None:
    """A host without its PIN file cannot log in again after the token was away. Whichever key is
    asked for, alone or with many others, the other host signs with it, makes, lists and destroys
    keys."""
    own_pin = stage.hsm.directory / "own-pin"
    shutil.copy(stage.hsm.pin_file, own_pin)
    stage.serve("host-0")
    stage.serve("host-1", settings=_with_pin_file(stage, own_pin))
    place, away = stage.hsm.tokens, stage.hsm.directory / "away"
    async with connected(stage) as client, connected(stage, only="host-1") as crippled:
        keys = [await new_key(client, "pool-1") for _ in range(12)]
        own_pin.unlink()
        place.rename(away)
        place.mkdir()
        for one in (client, crippled):
            with pytest.raises(TokenUnavailable):
                await one.probe(keys[0], _ALGORITHM, deadline=soon())
        place.rmdir()
        away.rename(place)
        assert await signs_within(client, keys[0], 25)
        with pytest.raises(TokenUnavailable):
            await crippled.probe(keys[0], _ALGORITHM, deadline=soon())
        for key in keys:
            await client.probe(key, _ALGORITHM, deadline=soon())
        tasks = [SignTask(key, _ALGORITHM, bytes(32)) for key in keys] * 8
        made = await client.sign_many(tasks, deadline=soon(), lane=Lane.BATCH)
        assert len(made) == len(tasks)
        assert all(isinstance(one, bytes) and one for one in made)
        new = [await new_key(client, "pool-1") for _ in range(8)]
        listed = await client.list_keys(new[0].token, deadline=soon())
        assert {key.cka_id for key in listed} == {key.cka_id for key in [*keys, *new]}
        for key in new:
            assert await client.destroy_key(key, deadline=soon()) == 2


def _with_pin_file(stage: Stage, pin_file: Path) -> TokensSettings:
    text = stage.hsm.settings().model_dump_json()
    return TokensSettings.model_validate_json(text.replace(str(stage.hsm.pin_file), str(pin_file)))


async def test_one_token_gone_takes_only_its_own_keys(stage: Stage) -> None:
    """While one token of the pool is gone, keys on the other sign without a failure."""
    stage.hsm.make_token("pool-2")
    stage.serve("host-0")
    async with connected(stage) as client:
        lost, kept = await new_key(client, "pool-1"), await new_key(client, "pool-2")
        shutil.rmtree(directory_of(stage, "pool-1"))
        unavailable = 0
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with pytest.raises(TokenUnavailable):
                await client.generate_key(lost, _ALGORITHM, deadline=soon())
            unavailable += 1
            await client.probe(kept, _ALGORITHM, deadline=soon())
            await asyncio.sleep(0.02)
        (health,) = await client.health(deadline=soon())
    problems = {it.token.label: it.problem for it in health.tokens}
    assert problems["pool-1"]
    assert not problems["pool-2"]
    reloads = stage.hosts["host-0"].events("token.reopened")
    assert 1 <= len(reloads) <= 4 < unavailable


async def test_key_destroyed_by_another_host_does_not_sign(stage: Stage) -> None:
    """A host that holds the handle of a key which another host destroyed refuses to sign with
    it, and does not take that for a lost session."""
    stage.serve("host-0", "host-1")
    async with connected(stage, only="host-0") as first, connected(stage, only="host-1") as second:
        key = await new_key(first, "pool-1")
        await second.probe(key, _ALGORITHM, deadline=soon())
        await first.destroy_key(key, deadline=soon())
        with pytest.raises(TokenRefused) as caught:
            await second.probe(key, _ALGORITHM, deadline=soon())
    assert caught.value.reason == "KEY_NOT_FOUND"
    assert stage.hosts["host-1"].events("token.reopened") == []


async def test_key_made_anew_by_another_host_signs(stage: Stage) -> None:
    """A host that holds the handle of a key which another host replaced signs with the new one."""
    stage.serve("host-0", "host-1")
    digest = bytes(32)
    async with connected(stage, only="host-0") as first, connected(stage, only="host-1") as second:
        key = await new_key(first, "pool-1")
        await second.probe(key, _ALGORITHM, deadline=soon())
        made = await first.generate_key(key, _ALGORITHM, deadline=soon())
        signature = await second.sign(key, _ALGORITHM, digest, deadline=soon())
    public = load_der_public_key(made.spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))


async def test_key_made_by_another_host_is_found(stage: Stage) -> None:
    """A key that one host made signs on the other when the first is dead."""
    stage.serve("host-0", "host-1")
    async with connected(stage) as client:
        keys = [await new_key(client, "pool-1") for _ in range(6)]
        stage.hosts["host-0"].kill()
        for key in keys:
            await client.probe(key, _ALGORITHM, deadline=soon())


async def test_killed_host_loses_no_work(stage: Stage) -> None:
    """SIGKILL of a host with signatures and generations under way: another host does the
    signatures, and no caller sees an error but for a generation that the host had."""
    stage.serve("host-0", "host-1")
    async with connected(stage, window=8) as client:
        keys = [await new_key(client, "pool-1") for _ in range(8)]
        signing = [client.probe(keys[n % 8], _ALGORITHM, deadline=soon()) for n in range(400)]
        fresh = [KeyRef(keys[0].token, os.urandom(16)) for _ in range(8)]
        making = [client.generate_key(it, _ALGORITHM, deadline=soon()) for it in fresh]
        work = asyncio.gather(
            asyncio.gather(*signing), asyncio.gather(*making, return_exceptions=True)
        )
        await asyncio.sleep(0.02)
        before = {it.name: it.outstanding for it in await client.health(deadline=soon())}
        stage.hosts["host-1"].kill()
        _, made = await work
        lost = [error for error in made if isinstance(error, TokenUnavailable)]
        for key, outcome in zip(fresh, made, strict=True):
            if not isinstance(outcome, BaseException):
                await client.probe(key, _ALGORITHM, deadline=soon())
    assert before["host-1"] > 0
    assert {error.reason for error in lost} <= {HOST_LOST}
    assert len(lost) == sum(isinstance(outcome, BaseException) for outcome in made) < 8


async def test_hung_call_is_seen_in_the_pulse(stage: Stage) -> None:
    """A token call that does not return makes the pulse overdue after the call limit; killing
    the host lets the other one finish the request."""
    stage.serve("host-0", "host-1", settings=stage.hsm.settings(call_limit_s=1.0))
    async with connected(stage) as client:
        key = await new_key(client, "pool-1")
        (stage.hsm.faults / FaultPoint.HOST_BEFORE_SIGN.value).write_text("hang")
        signing = asyncio.create_task(client.probe(key, _ALGORITHM, deadline=soon()))
        until = time.monotonic() + 8
        overdue: list[str] = []
        while not overdue and time.monotonic() < until:
            await asyncio.sleep(0.05)
            hosts = stage.hosts.items()
            overdue = [name for name, it in hosts if it.watch.read().overdue_s > 0]
        assert len(overdue) == 1
        assert not signing.done()
        stage.hosts[overdue[0]].kill()
        await signing


async def test_hung_host_does_not_outlive_the_deadline(stage: Stage) -> None:
    """A caller gets DeadlineExceeded at its deadline though the host never answers."""
    stage.serve("host-0")
    async with connected(stage) as client:
        key = await new_key(client, "pool-1")
        stage.hosts["host-0"].process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await client.probe(key, _ALGORITHM, deadline=soon(0.3))
        assert time.monotonic() - started < 2


async def test_no_host_means_token_unavailable(stage: Stage) -> None:
    """With no host for the whole time the caller learns that, at its deadline."""
    stage.start_host().kill()
    client = TokenClient(stage.sockets, queue_limit=10)
    await client.start()
    key = KeyRef(TokenRef("pool-1", "1"), bytes(16))
    with pytest.raises(TokenUnavailable):
        await client.probe(key, _ALGORITHM, deadline=soon(0.3))
    await client.close()


async def test_token_added_while_running_is_found(stage: Stage) -> None:
    """A key on a token that was made after the host started signs."""
    stage.serve("host-0")
    (ref,) = in_child(scenario.create_tokens, stage.hsm.directory, ["pool-2"])
    async with connected(stage) as client:
        key = KeyRef(ref, os.urandom(16))
        await client.generate_key(key, _ALGORITHM, deadline=soon())
        await client.probe(key, _ALGORITHM, deadline=soon())


async def test_pool_grows(stage: Stage) -> None:
    """create_token makes a token that every host serves; repeating it makes no second one."""
    stage.serve("host-0", "host-1", settings=stage.hsm.settings(grow=True))
    async with connected(stage) as client:
        old = await new_key(client, "pool-1")
        ref = await client.create_token("pool-2", deadline=soon())
        assert await client.create_token("pool-2", deadline=soon()) == ref
        keys = [KeyRef(ref, os.urandom(16)) for _ in range(8)]
        for key in keys:
            await client.generate_key(key, _ALGORITHM, deadline=soon())
            await client.probe(key, _ALGORITHM, deadline=soon())
        await client.probe(old, _ALGORITHM, deadline=soon())
    assert len(list(stage.hsm.tokens.iterdir())) == 3


async def test_pool_grows_only_where_it_may(stage: Stage) -> None:
    """Without `grow` no token is made, and with it only under the pool's prefix."""
    stage.serve("host-0")
    async with connected(stage) as client:
        with pytest.raises(TokenRefused) as fixed:
            await client.create_token("pool-2", deadline=soon())
    stage.hosts["host-0"].stop()
    stage.serve("host-0", settings=stage.hsm.settings(grow=True))
    async with connected(stage) as client:
        with pytest.raises(TokenRefused) as foreign:
            await client.create_token("authority-2", deadline=soon())
    assert (fixed.value.reason, foreign.value.reason) == ("POOL_FIXED", "LABEL_FOREIGN")
    assert len(list(stage.hsm.tokens.iterdir())) == 2


def test_half_made_token_is_completed(stage: Stage) -> None:
    """A token whose maker died before its user PIN was set gets its PIN from the next call, and
    in between stops no host from starting."""
    half = in_child(scenario.create_half, stage.hsm.directory, "pool-9")
    stage.serve("host-0")
    (reported,) = stage.hosts["host-0"].problems()
    assert "no user PIN" in reported["problem"]
    assert in_child(scenario.create_tokens, stage.hsm.directory, ["pool-9"]) == [half]
    stage.serve("host-1")
    assert stage.hosts["host-1"].problems() == []


def test_creating_a_token_twice_gives_the_same(stage: Stage) -> None:
    """create_soft_token returns what an earlier call made."""
    refs = in_child(scenario.create_tokens, stage.hsm.directory, ["pool-7", "pool-8", "pool-7"])
    assert refs[0] == refs[2] != refs[1]
    assert refs[0].serial != refs[1].serial


def test_reload_gate_is_bounded() -> None:
    """After a reload the next must wait two seconds, longer while it does not help, and never
    takes more than a twentieth of the time, nor longer than callers wait."""
    gate = ReloadGate()
    assert gate.wait_s(100.0) == 0
    gate.note(100.0, 100.1, helped=True)
    assert gate.wait_s(100.1) == pytest.approx(2.0)
    assert gate.wait_s(103.0) == 0
    for _ in range(8):
        gate.note(200.0, 200.1, helped=False)
    assert gate.wait_s(200.1) == pytest.approx(10.0)
    gate.note(300.0, 301.0, helped=True)
    assert gate.wait_s(301.0) == pytest.approx(20.0)
    gate.note(400.0, 404.0, helped=False)
    assert gate.wait_s(404.0) == pytest.approx(20.0)
