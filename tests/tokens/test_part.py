"""Many signatures are spread over hosts and come back in order."""

import os
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, TokenRefused
from signerd.core.signing import Lane, SignTask
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.frame import SignedMany, SignManyRequest, item_failure
from signerd.tokens.part import Part, sign_weight, split

_TOKEN = TokenRef("pool-1", "01")
_KEYS = [KeyRef(_TOKEN, os.urandom(16)) for _ in range(3)]
_TASKS = st.lists(
    st.builds(
        SignTask, st.sampled_from(_KEYS), st.sampled_from(KeyAlgorithm), st.binary(max_size=4)
    ),
    max_size=200,
)


@given(_TASKS, st.integers(0, 4))
def test_parts_are_the_whole_in_order(tasks: list[SignTask], hosts: int) -> None:
    """Whatever the keys and the number of hosts, nothing is lost, doubled or moved."""
    parts = split(tasks, hosts)
    assert list(chain.from_iterable(part.tasks for part in parts)) == tasks
    assert all(part.tasks for part in parts)
    assert all(part.weight == sum(sign_weight(it.algorithm) for it in part.tasks) for part in parts)


@pytest.mark.parametrize(
    ("algorithm", "count", "sizes"),
    [
        (KeyAlgorithm.EC_P256_SHA256, 10, [10]),
        (KeyAlgorithm.EC_P256_SHA256, 64, [32, 32]),
        (KeyAlgorithm.RSA_2048_PKCS1_SHA256, 2, [2]),
        (KeyAlgorithm.RSA_2048_PKCS1_SHA256, 64, [32, 32]),
        (KeyAlgorithm.RSA_4096_PKCS1_SHA512, 27, [9, 9, 9]),
    ],
)
def test_parts_are_worth_a_request_and_not_too_big(
    algorithm: KeyAlgorithm, count: int, sizes: list[int]
) -> None:
    """A small batch stays whole, a bigger one is shared by two hosts, a very big one goes in
    several requests."""
    parts = split([SignTask(_KEYS[0], algorithm, b"x")] * count, 2)
    assert [len(part.tasks) for part in parts] == sizes


def test_a_request_names_each_key_once() -> None:
    """However many signatures are asked of it."""
    algorithm = KeyAlgorithm.EC_P256_SHA256
    tasks = [SignTask(_KEYS[n % 2], algorithm, bytes([n])) for n in range(5)]
    request = Part(tasks, 5).request(1.0, Lane.BATCH)(9)
    assert isinstance(request, SignManyRequest)
    assert request.keys == [(_KEYS[0], algorithm), (_KEYS[1], algorithm)]
    assert request.of == [0, 1, 0, 1, 0]
    assert request.messages == [bytes([n]) for n in range(5)]


def test_an_error_stands_in_its_place() -> None:
    """Beside the signatures of the others; an answer of another length is a defect."""
    task = SignTask(_KEYS[0], KeyAlgorithm.ED25519, b"")
    failed = item_failure(1, TokenRefused("no such key", reason="KEY_NOT_FOUND"))
    first, second, third = Part([task] * 3, 3).results(SignedMany(1, [b"a", b"", b"c"], [failed]))
    assert (first, third) == (b"a", b"c")
    assert isinstance(second, TokenRefused)
    assert second.reason == "KEY_NOT_FOUND"
    with pytest.raises(Internal):
        Part([task], 1).results(SignedMany(1, [], []))
