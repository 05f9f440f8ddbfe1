"""Frames between fronts and hosts."""

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.signing import Lane
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.frame import (
    HEADER,
    GenerateRequest,
    Health,
    HealthRequest,
    MacRequest,
    MalformedFrame,
    Request,
    SealRequest,
    SignManyRequest,
    SignRequest,
    UnsealRequest,
    append_frame,
    take_answers,
    take_requests,
)
from tests.tokens.conftest import connected, soon
from tests.tokens.soft_hsm import Stage

_KEYS = st.builds(
    KeyRef, st.builds(TokenRef, st.text(max_size=32), st.text(max_size=16)), st.binary(max_size=32)
)
_REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        SignRequest,
        st.integers(0, 2**63),
        st.floats(0, 1e9),
        _KEYS,
        st.sampled_from(KeyAlgorithm),
        st.binary(max_size=100),
    ),
    st.builds(
        SignManyRequest,
        st.integers(0, 2**63),
        st.floats(0, 1e9),
        st.sampled_from(Lane),
        st.lists(st.tuples(_KEYS, st.sampled_from(KeyAlgorithm)), max_size=2),
        st.lists(st.integers(0, 1), max_size=3),
        st.lists(st.binary(max_size=100), max_size=3),
    ),
    st.builds(
        GenerateRequest,
        st.integers(0, 2**63),
        st.floats(0, 1e9),
        _KEYS,
        st.sampled_from(KeyAlgorithm),
    ),
    st.builds(
        SealRequest,
        st.integers(0, 2**63),
        st.floats(0, 1e9),
        _KEYS,
        st.binary(max_size=100),
        st.binary(max_size=40),
    ),
    st.builds(
        UnsealRequest,
        st.integers(0, 2**63),
        st.floats(0, 1e9),
        _KEYS,
        st.binary(max_size=100),
        st.binary(max_size=40),
    ),
    st.builds(MacRequest, st.integers(0, 2**63), st.floats(0, 1e9), _KEYS, st.binary(max_size=100)),
)


@given(st.lists(_REQUESTS, max_size=5), st.integers(1, 40))
def test_requests_arrive_whole_however_they_are_cut(requests: list[Request], cut: int) -> None:
    """Frames come out as they went in, in order, whatever pieces the socket makes of them."""
    sent = bytearray()
    for request in requests:
        append_frame(sent, request)
    buffer, received = bytearray(), list[Request]()
    for start in range(0, len(sent), cut):
        buffer += sent[start : start + cut]
        received += take_requests(buffer)
    assert received == requests
    assert not buffer


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(2**31) + b"x",
        HEADER.pack(3) + b"\xc1\xc1\xc1",
        HEADER.pack(0),
        HEADER.pack(3) + b"\x92\x63\x01",
    ],
)
def test_malformed_frame_is_refused(data: bytes) -> None:
    """Over-long, undecodable, empty and unknown messages are told from incomplete ones."""
    with pytest.raises(MalformedFrame):
        take_requests(bytearray(data))


def test_incomplete_frame_waits() -> None:
    """Part of a frame is no error and stays where it is."""
    buffer = bytearray(HEADER.pack(100) + b"\x92")
    assert take_requests(buffer) == []
    assert len(buffer) == HEADER.size + 1


async def test_malformed_frame_ends_that_connection_only(shared_stage: Stage) -> None:
    """A connection with garbage is closed; one beside it goes on."""
    path = shared_stage.hosts["host-0"].socket
    with socket.socket(socket.AF_UNIX) as good, socket.socket(socket.AF_UNIX) as bad:
        for it in (good, bad):
            it.settimeout(10)
            it.connect(str(path))
        bad.sendall(struct.pack(">I", 5) + b"\xc1bad\xc1")
        assert bad.recv(1) == b""
        request = bytearray()
        append_frame(request, HealthRequest(9, time.monotonic() + 5))
        good.sendall(request)
        received = bytearray(good.recv(65536))
        (answer,) = take_answers(received)
    assert isinstance(answer, Health)
    assert answer.number == 9
    async with connected(shared_stage) as client:
        (health,) = await client.health(deadline=soon())
    assert health.process_id == shared_stage.hosts["host-0"].process.pid
