"""Sealing and keyed hashes through client and host, judged by `cryptography` and `hmac`."""

import asyncio
import hashlib
import hmac
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from signerd.app.wiring import TokenSealer
from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.boot import ExitCode
from signerd.core.error import Internal, TokenRefused, TokenUnavailable
from signerd.core.record import KeyOrigin
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.client import TokenClient
from signerd.tokens.frame import MacRequest, SealRequest, Unsealed
from tests.tokens import scenario
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.scenario import in_child
from tests.tokens.soft_hsm import Stage

if TYPE_CHECKING:
    from signerd.identity.sealer import Sealer

_GCM, _HMAC = SecretAlgorithm.AES_256_GCM, SecretAlgorithm.HMAC_SHA256
_SECRET = bytes.fromhex("79ea7568a2d3776604e18bcd3a1b1b85b7da0872")
_OWNER = b"certificates/0a"


def _made(stage: Stage) -> dict[SecretAlgorithm, KeyRef]:
    return in_child(scenario.make_secrets, stage.hsm.directory)[0]


async def _refusal(client: TokenClient, key: KeyRef, sealed: bytes, associated: bytes) -> str:
    with pytest.raises(Internal) as caught:
        await client.unseal(key, sealed, associated, deadline=soon())
    assert _SECRET.hex() not in caught.value.message
    return caught.value.reason


@pytest.fixture(scope="module")
def keys(shared_stage: Stage) -> dict[SecretAlgorithm, KeyRef]:
    """A secret key of each kind, made while the host runs."""
    return _made(shared_stage)


@pytest.mark.parametrize("size", [0, 1, 20, 10_000])
async def test_what_was_sealed_is_unsealed(
    shared_stage: Stage, keys: dict[SecretAlgorithm, KeyRef], size: int
) -> None:
    """With the same associated data, whatever the size; the same value never looks the same."""
    value = os.urandom(size)
    async with connected(shared_stage) as client:
        sealed = [await client.seal(keys[_GCM], value, _OWNER, deadline=soon()) for _ in range(3)]
        for one in sealed:
            assert await client.unseal(keys[_GCM], one, _OWNER, deadline=soon()) == value
    assert len({one[1:13] for one in sealed}) == 3
    assert {len(one) for one in sealed} == {1 + 12 + size + 16}


async def test_a_changed_value_is_not_unsealed(
    shared_stage: Stage, keys: dict[SecretAlgorithm, KeyRef]
) -> None:
    """A bit of the version, the nonce, the ciphertext or the tag; a piece missing or too much;
    another owner, another key: each is refused, and none costs the session of the token."""
    key = keys[_GCM]
    async with connected(shared_stage) as client:
        sealed = await client.seal(key, _SECRET, _OWNER, deadline=soon())
        for place in range(len(sealed)):
            changed = bytearray(sealed)
            changed[place] ^= 1
            assert await _refusal(client, key, bytes(changed), _OWNER) == "SEAL_BROKEN"
        for piece in (b"", sealed[:1], sealed[:28], sealed[:29], sealed[:-1], sealed + b"\0"):
            assert await _refusal(client, key, piece, _OWNER) == "SEAL_BROKEN"
        for other in (b"", b"certificates/0b", _OWNER + b"\0"):
            assert await _refusal(client, key, sealed, other) == "SEAL_BROKEN"
        another = in_child(scenario.make_secrets, shared_stage.hsm.directory)[0][_GCM]
        assert await _refusal(client, another, sealed, _OWNER) == "SEAL_BROKEN"
        assert await client.unseal(key, sealed, _OWNER, deadline=soon()) == _SECRET
    assert shared_stage.hosts["host-0"].problems() == []


async def test_other_programs_agree(shared_stage: Stage) -> None:
    """With a key of known value: AES-GCM and HMAC as `cryptography` and `hmac` do them."""
    directory, value = shared_stage.hsm.directory, os.urandom(32)
    sealing = in_child(scenario.plant_secret, directory, os.urandom(16), _GCM, value)
    hashing = in_child(scenario.plant_secret, directory, os.urandom(16), _HMAC, value)
    nonce = os.urandom(12)
    async with connected(shared_stage) as client:
        sealed = await client.seal(sealing, _SECRET, _OWNER, deadline=soon())
        theirs = b"\x01" + nonce + AESGCM(value).encrypt(nonce, _SECRET, _OWNER)
        assert await client.unseal(sealing, theirs, _OWNER, deadline=soon()) == _SECRET
        mac = await client.mac(hashing, b"010-1234-5678", deadline=soon())
    assert AESGCM(value).decrypt(sealed[1:13], sealed[13:], _OWNER) == _SECRET
    assert mac == hmac.digest(value, b"010-1234-5678", hashlib.sha256)


async def test_the_sealer_uses_the_right_keys(
    shared_stage: Stage, keys: dict[SecretAlgorithm, KeyRef]
) -> None:
    """What use cases are given: values sealed with the one key and hashed with the other."""
    async with connected(shared_stage) as client:
        sealer: Sealer = TokenSealer(client, keys[_GCM], keys[_HMAC])
        sealed = await sealer.seal(_SECRET, _OWNER, deadline=soon())
        assert await sealer.unseal(sealed, _OWNER, deadline=soon()) == _SECRET
        assert await client.unseal(keys[_GCM], sealed, _OWNER, deadline=soon()) == _SECRET
        mac = await sealer.mac(_SECRET, deadline=soon())
        assert mac == await client.mac(keys[_HMAC], _SECRET, deadline=soon())


async def test_a_keyed_hash_is_always_the_same(stage: Stage) -> None:
    """By every host, before and after a start; another value and another key give another one."""
    keys, others = _made(stage), _made(stage)
    stage.serve("host-0", "host-1")
    made = []
    for name in ("host-0", "host-1"):
        async with connected(stage, only=name) as client:
            made.append(await client.mac(keys[_HMAC], b"hong", deadline=soon()))
            other = await client.mac(keys[_HMAC], b"kim", deadline=soon())
            foreign = await client.mac(others[_HMAC], b"hong", deadline=soon())
    assert made[0] == made[1]
    assert len({made[0], other, foreign}) == 3
    assert len(made[0]) == 32


async def test_sealing_resumes_when_the_token_is_back(stage: Stage) -> None:
    """A session that was lost is replaced and the key found again; meanwhile it is unavailable,
    and a value is never taken for broken."""
    keys = _made(stage)
    stage.serve("host-0")
    place, away = stage.hsm.tokens, stage.hsm.directory / "away"
    async with connected(stage) as client:
        sealed = await client.seal(keys[_GCM], _SECRET, _OWNER, deadline=soon())
        place.rename(away)
        place.mkdir()
        with pytest.raises(TokenUnavailable):
            await client.destroy_key(keys[_GCM], deadline=soon())
        with pytest.raises(TokenUnavailable):
            await client.unseal(keys[_GCM], sealed, _OWNER, deadline=soon())
        place.rmdir()
        away.rename(place)
        assert await _unsealed_in_the_end(client, keys[_GCM], sealed) == _SECRET
    assert stage.hosts["host-0"].events("token.reopened")


async def _unsealed_in_the_end(client: TokenClient, key: KeyRef, sealed: bytes) -> bytes:
    """As a caller does that tries again when it is told to."""
    until = soon()
    while True:
        try:
            return await client.unseal(key, sealed, _OWNER, deadline=until)
        except TokenUnavailable as error:
            await asyncio.sleep(error.retry_after_s or 0.1)


async def test_a_key_made_anew_by_another_process_is_found(stage: Stage) -> None:
    """A host that holds the handle of a key which was replaced uses the new one."""
    stage.serve("host-0")
    directory, cka_id = stage.hsm.directory, os.urandom(16)
    old, new = os.urandom(32), os.urandom(32)
    key = in_child(scenario.plant_secret, directory, cka_id, _HMAC, old)
    async with connected(stage) as client:
        assert await client.mac(key, b"x", deadline=soon()) == hmac.digest(old, b"x", "sha256")
        in_child(scenario.plant_secret, directory, cka_id, _HMAC, new, replaces=True)
        assert await client.mac(key, b"x", deadline=soon()) == hmac.digest(new, b"x", "sha256")


async def test_a_key_seen_half_written_works_once_it_is_whole(stage: Stage) -> None:
    """A host that read the key's file while it was half there keeps it for damaged, and finds it
    all the same by initialising the module anew."""
    stage.serve("host-0")
    value, before = os.urandom(32), set(stage.hsm.tokens.glob("*/*.object"))
    key = in_child(scenario.plant_secret, stage.hsm.directory, os.urandom(16), _HMAC, value)
    (path,) = set(stage.hsm.tokens.glob("*/*.object")) - before
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    async with connected(stage) as client:
        with pytest.raises((TokenRefused, TokenUnavailable)):
            await client.mac(key, b"x", deadline=soon())
        path.write_bytes(whole)
        until = soon()
        while True:
            try:
                mac = await client.mac(key, b"x", deadline=until)
                break
            except TokenUnavailable as error:
                await asyncio.sleep(error.retry_after_s or 0.1)
    assert mac == hmac.digest(value, b"x", "sha256")


def test_a_secret_key_does_its_work_and_nothing_else(stage: Stage) -> None:
    """It was born on the token, cannot leave it by any way of PKCS#11, and has no other use; made
    again it is there once."""
    directory = stage.hsm.directory
    keys, origins, listed = in_child(scenario.make_secrets, directory, 2)
    assert set(origins) == {KeyOrigin(local=True, always_sensitive=True, never_extractable=True)}
    assert sorted(it.cka_id for it in listed) == sorted(it.cka_id for it in keys.values())
    for algorithm, key in keys.items():
        attempts, inspected = in_child(scenario.probe_secret, directory, key, algorithm)
        assert [it.way for it in attempts if not it.refused] == []
        ways = " ".join(it.way for it in attempts)
        for expected in ("read CKA_VALUE", "C_WrapKey CKM_AES_KEY_WRAP_PAD", "C_CopyObject"):
            assert expected in ways
        assert inspected.is_protected
        assert inspected.excess_uses == ()


def test_a_secret_key_that_can_leave_is_found_out(stage: Stage) -> None:
    """The probe tells it from one that cannot, and so does the inspection."""
    directory = stage.hsm.directory
    key = in_child(
        scenario.plant_secret, directory, os.urandom(16), _GCM, os.urandom(32), leaks=True
    )
    attempts, inspected = in_child(scenario.probe_secret, directory, key, _GCM)
    assert any("C_WrapKey" in it.way for it in attempts if not it.refused)
    assert not inspected.is_protected


def test_the_probe_of_the_authority_token_tries_secret_keys(stage: Stage) -> None:
    """They are refused in every way, and nothing stays behind."""
    attempts, left = in_child(scenario.probe_authority, stage.hsm.directory)
    assert {it.way.partition(":")[0] for it in attempts} >= {_GCM.value, _HMAC.value}
    assert [it.way for it in attempts if not it.refused] == []
    assert left == []


async def test_a_key_is_used_for_its_purpose_only(
    shared_stage: Stage, keys: dict[SecretAlgorithm, KeyRef]
) -> None:
    """The key that seals makes no keyed hashes, the other does not seal, and neither signs; a
    signing key does nothing of this."""
    async with connected(shared_stage) as client:
        for act in (
            client.mac(keys[_GCM], b"x", deadline=soon()),
            client.seal(keys[_HMAC], b"x", b"", deadline=soon()),
            client.unseal(keys[_HMAC], b"\x01" + bytes(40), b"", deadline=soon()),
        ):
            with pytest.raises(TokenRefused) as caught:
                await act
            assert caught.value.reason == "KEY_USAGE_REFUSED"
        pair = KeyRef((await token_labelled(client, "authority")).token, os.urandom(16))
        await client.generate_key(pair, KeyAlgorithm.EC_P256_SHA256, deadline=soon())
        missing = "KEY_NOT_FOUND", "KEY_NOT_SEEN"
        with pytest.raises((TokenRefused, TokenUnavailable)) as sealing:
            await client.seal(pair, b"x", b"", deadline=soon())
        with pytest.raises((TokenRefused, TokenUnavailable)) as signing:
            await client.probe(keys[_HMAC], KeyAlgorithm.EC_P256_SHA256, deadline=soon())
    for one in (sealing, signing):
        assert isinstance(one.value, TokenRefused | TokenUnavailable)
        assert one.value.reason in missing


def test_two_secret_keys_with_one_cka_id_refuse_the_start(stage: Stage) -> None:
    """Nobody could say with which of them a value was sealed."""
    cka_id = os.urandom(16)
    for _ in range(2):
        in_child(scenario.plant_secret, stage.hsm.directory, cka_id, _GCM, os.urandom(32))
    code, errors = stage.start_host().wait_exit()
    assert code == ExitCode.KEY_AMBIGUOUS
    assert cka_id.hex() in errors


@given(st.binary(min_size=4))
def test_personal_data_is_in_no_repr(data: bytes) -> None:
    """A message that is logged by accident does not show what it carries."""
    key = KeyRef(TokenRef("authority", "1"), bytes(16))
    for message in (
        SealRequest(1, 2.0, key, data, b"certificates/0a"),
        MacRequest(1, 2.0, key, data),
        Unsealed(1, data),
    ):
        assert repr(message) == f"{type(message).__name__}(number=1)"
        assert str(message) == repr(message)
