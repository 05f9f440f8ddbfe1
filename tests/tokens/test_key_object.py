"""Key objects as they are on the token."""

import os

import pytest

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import TokenRefused
from signerd.core.record import KeyOrigin, TokenKey
from signerd.core.value import KeyRef
from tests.tokens import scenario
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.scenario import in_child
from tests.tokens.soft_hsm import Stage

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256


@pytest.mark.parametrize(
    "algorithm", [_ALGORITHM, KeyAlgorithm.RSA_2048_PSS_SHA256, KeyAlgorithm.ED25519]
)
def test_key_may_sign_and_nothing_else(stage: Stage, algorithm: KeyAlgorithm) -> None:
    """A key has the attributes of invariant 1 and no use but signing."""
    cka_id = os.urandom(16)
    directory = stage.hsm.directory
    made, listed, inspected, _ = in_child(scenario.generate, directory, cka_id, algorithm, 1)
    assert inspected.is_protected
    assert inspected.excess_uses == ()
    assert (
        inspected.origin
        == made[0].origin
        == KeyOrigin(local=True, always_sensitive=True, never_extractable=True)
    )
    assert listed == [TokenKey(cka_id, f"signerd:{cka_id.hex()}")]


def test_generation_may_be_repeated(stage: Stage) -> None:
    """A repeated generation replaces what an interrupted one left: one pair remains."""
    cka_id = os.urandom(16)
    directory = stage.hsm.directory
    made, listed, _, destroyed = in_child(scenario.generate, directory, cka_id, _ALGORITHM, 3)
    assert len({it.spki for it in made}) == 3
    assert len(listed) == 1
    assert destroyed == 2


def test_keys_made_before_the_first_search_are_not_doubled(stage: Stage) -> None:
    """A session that made keys holds them; that the first search lists them too is no second
    key."""
    directory, before = stage.hsm.directory, os.urandom(16)
    in_child(scenario.plant, directory, before, extractable=False, sensitive=True)
    assert in_child(scenario.find_after_making, directory, before, _ALGORITHM) == []


def test_unprotected_key_is_seen(stage: Stage) -> None:
    """The inspection tells an extractable key from a protected one."""
    cka_id = os.urandom(16)
    in_child(scenario.plant, stage.hsm.directory, cka_id, extractable=True, sensitive=False)
    _, inspected = in_child(scenario.probe_key, stage.hsm.directory, cka_id)
    assert not inspected.is_protected
    assert inspected.extractable is True


@pytest.mark.parametrize("planted_before_start", [True, False])
async def test_two_keys_with_one_cka_id_never_sign(
    stage: Stage, *, planted_before_start: bool
) -> None:
    """When two private keys carry a CKA_ID, neither signs, whenever they came to be there."""
    cka_id = os.urandom(16)
    if not planted_before_start:
        stage.serve("host-0")
    for _ in range(2):
        in_child(scenario.plant, stage.hsm.directory, cka_id, extractable=False, sensitive=True)
    if planted_before_start:
        stage.serve("host-0")
    async with connected(stage) as client:
        key = KeyRef((await token_labelled(client, "pool-1")).token, cka_id)
        for _ in range(2):
            with pytest.raises(TokenRefused) as caught:
                await client.probe(key, KeyAlgorithm.RSA_2048_PKCS1_SHA256, deadline=soon())
            assert caught.value.reason == "AMBIGUOUS_KEY"


async def test_lists_the_keys_of_a_token(stage: Stage) -> None:
    """list_keys names every private key once."""
    stage.serve("host-0")
    async with connected(stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        keys = [KeyRef(token, os.urandom(16)) for _ in range(3)]
        for key in keys:
            await client.generate_key(key, _ALGORITHM, deadline=soon())
        listed = await client.list_keys(token, deadline=soon())
    assert {it.cka_id for it in listed} == {key.cka_id for key in keys}
    assert len(listed) == 3
