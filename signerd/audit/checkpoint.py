"""Checkpoints: what all chains are at a moment, as a text that the audit key signs.

The text is ASCII, a line each, every line ended by a line feed:

    signerd audit checkpoint 1
    number {from 1, without gaps}
    time {UTC, as 2026-11-27T20:31:00.123456Z}
    key {SHA-256 of the audit key's SubjectPublicKeyInfo}
    algorithm {of the signature, such as EC_P256_SHA256}
    previous {SHA-256 of the text of the checkpoint before; zeros in the first}
    records {how many are covered since the checkpoint before}
    root {of the Merkle tree over these records}
    fingerprints {SHA-256 of the fingerprints of these records, one after the other}
    chain {name} {length} {hash of its last record}

with a line for each chain, sorted by name. Hashes are in lower-case hexadecimal. There is one way
to write a checkpoint, and `parse_checkpoint` takes no other.

The tree (RFC 6962, 2.1) has the new records of each chain in the order of the lines, and in the
order of the chain. The data of a leaf are the hash of the record and its position as u64,
big-endian. A fingerprint is the first 8 octets of the hash of a leaf: it proves nothing that the
root does not, and tells which record it was where the root only tells that there was one.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from signerd.audit.canonical import HASH_BYTES
from signerd.audit.chain import EMPTY, GENESIS, ChainHead
from signerd.audit.merkle import leaf_hash
from signerd.core.algorithm import KeyAlgorithm

FINGERPRINT_BYTES: Final = 8
LONGEST_TEXT: Final = 1 << 20

_TITLE: Final = "signerd audit checkpoint 1"
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_CHAIN: Final = re.compile(r"[a-z0-9-]{1,32}/[a-z0-9-]{1,31}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = (
    "number",
    "time",
    "key",
    "algorithm",
    "previous",
    "records",
    "root",
    "fingerprints",
)
_U64: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed. chains: the head of every chain by its name, sorted; see the module."""

    number: int
    time_utc: datetime
    key_sha256: bytes
    algorithm: KeyAlgorithm
    previous_hash: bytes
    records: int
    root: bytes
    fingerprints_sha256: bytes
    chains: tuple[tuple[str, ChainHead], ...]

    def length_of(self, chain: str) -> int:
        """How many records of a chain it covers, together with those before it."""
        return dict(self.chains).get(chain, EMPTY).length


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as it is kept.

    text: the octets that are signed. signature: ECDSA in DER. fingerprints: of the records, see
    the module. time_stamp: TimeStampToken (RFC 3161, DER) over the text followed by the signature;
    empty where there is none.
    """

    number: int
    text: bytes
    signature: bytes
    fingerprints: bytes
    time_stamp: bytes = b""

    @property
    def hash(self) -> bytes:
        """What the next checkpoint names as the previous one."""
        return hashlib.sha256(self.text).digest()

    @property
    def stamped(self) -> bytes:
        """The octets that a time stamp is over: they bind the signature too."""
        return self.text + self.signature


FIRST_PREVIOUS: Final = GENESIS


def leaf_of(record_hash: bytes, position: int) -> bytes:
    """Hash of the leaf of a record."""
    return leaf_hash(record_hash + _U64.pack(position % (1 << 64)))


def fingerprint_of(leaf: bytes) -> bytes:
    """By what a record is told from another once the root says that there is another."""
    return leaf[:FINGERPRINT_BYTES]


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The text. Raises ValueError for what no checkpoint has, such as a name with a blank."""
    values = (
        str(checkpoint.number),
        checkpoint.time_utc.astimezone(UTC).strftime(_TIME),
        _hex(checkpoint.key_sha256),
        checkpoint.algorithm.value,
        _hex(checkpoint.previous_hash),
        str(checkpoint.records),
        _hex(checkpoint.root),
        _hex(checkpoint.fingerprints_sha256),
    )
    lines = [_TITLE]
    lines += [f"{name} {value}" for name, value in zip(_FIELDS, values, strict=True)]
    names = [name for name, _ in checkpoint.chains]
    if names != sorted(set(names)):
        raise ValueError("the chains of a checkpoint are sorted by name")
    for name, head in checkpoint.chains:
        if not _CHAIN.fullmatch(name):
            raise ValueError(f"no chain can have the name {name!r}")
        lines.append(f"chain {name} {head.length} {_hex(head.hash)}")
    return "".join(f"{line}\n" for line in lines).encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Raises ValueError for anything but what `encode_checkpoint` writes."""
    if len(text) > LONGEST_TEXT:
        raise ValueError("too long for a checkpoint")
    title, *lines = text.decode("ascii").split("\n")
    head, rest = lines[: len(_FIELDS)], lines[len(_FIELDS) :]
    if title != _TITLE or len(head) != len(_FIELDS) or rest[-1:] != [""]:
        raise ValueError("not a checkpoint of this version")
    number, time, key, algorithm, previous, records, root, fingerprints = (
        _value(line, name) for line, name in zip(head, _FIELDS, strict=True)
    )
    checkpoint = Checkpoint(
        number=_integer(number),
        time_utc=datetime.strptime(time, _TIME).replace(tzinfo=UTC),
        key_sha256=_hash(key),
        algorithm=KeyAlgorithm(algorithm),
        previous_hash=_hash(previous),
        records=_integer(records),
        root=_hash(root),
        fingerprints_sha256=_hash(fingerprints),
        chains=tuple(_chain(line) for line in rest[:-1]),
    )
    if encode_checkpoint(checkpoint) != text:
        raise ValueError("a checkpoint is written in one way only")
    return checkpoint


def _value(line: str, name: str) -> str:
    label, _, value = line.partition(" ")
    if label != name:
        raise ValueError(f"the line {name} of the checkpoint is missing")
    return value


def _chain(line: str) -> tuple[str, ChainHead]:
    name, length, hash_ = _value(line, "chain").split(" ")
    return name, ChainHead(_integer(length), _hash(hash_))


def _integer(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _hash(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no hash")
    return bytes.fromhex(text)


def _hex(value: bytes) -> str:
    if len(value) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes")
    return value.hex()
