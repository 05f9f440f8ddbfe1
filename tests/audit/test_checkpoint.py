"""The text of checkpoints: one way to write it, and no other way to read it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.audit.chain import ChainHead
from signerd.audit.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint
from signerd.core.algorithm import KeyAlgorithm

_CHECKPOINT = Checkpoint(
    number=42,
    time_utc=datetime(2026, 11, 27, 20, 31, 0, 120, tzinfo=UTC),
    key_sha256=b"k" * 32,
    algorithm=KeyAlgorithm.EC_P256_SHA256,
    previous_hash=b"p" * 32,
    records=3,
    root=b"r" * 32,
    fingerprints_sha256=b"f" * 32,
    chains=(
        ("local/front-0", ChainHead(7, b"0" * 32)),
        ("local/keeper", ChainHead(1, b"1" * 32)),
    ),
)
_TEXT = f"""\
signerd audit checkpoint 1
number 42
time 2026-11-27T20:31:00.000120Z
key {"6b" * 32}
algorithm EC_P256_SHA256
previous {"70" * 32}
records 3
root {"72" * 32}
fingerprints {"66" * 32}
chain local/front-0 7 {"30" * 32}
chain local/keeper 1 {"31" * 32}
"""


def test_a_checkpoint_is_the_documented_text() -> None:
    """Line for line as the module says, and read back as what it was."""
    assert encode_checkpoint(_CHECKPOINT).decode() == _TEXT
    assert parse_checkpoint(_TEXT.encode()) == _CHECKPOINT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("checkpoint 1\n", "checkpoint 2\n"),
        ("number 42", "number 042"),
        ("number 42", "number +42"),
        ("number 42", "number ٤٢"),
        ("00.000120Z", "00.00012Z"),
        ("00.000120Z", "00.000120"),
        ("key 6b", "key 6B"),
        ("algorithm EC", "algorithm ec"),
        ("records 3\n", ""),
        ("records 3\n", "records 3\n\n"),
        ("chain local/front-0 7", "chain local/front-0  7"),
        ("chain local/front-0 7", "chain local/zz 7"),
        ("chain local/keeper", "chain local/front-0"),
        ("chain local/keeper 1", "chain local/keep er 1"),
        (f"{'31' * 32}\n", "31" * 32),
        (f"{'31' * 32}\n", f"{'31' * 32}\nmore\n"),
        ("\n", "\r\n"),
    ],
)
def test_no_other_text_is_a_checkpoint(old: str, new: str) -> None:
    """Two texts with one meaning would be two hashes of one checkpoint."""
    assert old in _TEXT
    with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
        parse_checkpoint(_TEXT.replace(old, new).encode())


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_worse(rubbish: bytes) -> None:
    """Whatever octets stand there, reading them ends with ValueError."""
    for text in (rubbish, _TEXT.encode()[:200] + rubbish):
        with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
            parse_checkpoint(text)


@pytest.mark.parametrize("name", ["", "local", "local/front 0", "local/x\nchain", "Local/front-0"])
def test_names_that_could_feign_another_line_are_not_written(name: str) -> None:
    """A chain's name comes from the database, which somebody may have changed."""
    with pytest.raises(ValueError, match="name"):
        encode_checkpoint(replace(_CHECKPOINT, chains=((name, ChainHead(1, bytes(32))),)))
