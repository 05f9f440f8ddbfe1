"""Hash chains: each record holds the hash of the record before it."""

import hashlib
from typing import Final, NamedTuple

from signerd.audit.canonical import HASH_BYTES, encode_event, encode_place
from signerd.audit.event import AuditEvent, AuditRecord

GENESIS: Final = bytes(HASH_BYTES)
"""The previous hash of the first record of every chain."""


class ChainHead(NamedTuple):
    """How far a chain has come: number of records and hash of the last, GENESIS when empty."""

    length: int
    hash: bytes


EMPTY: Final = ChainHead(0, GENESIS)


def head_after(record: AuditRecord) -> ChainHead:
    """The head of the chain whose last record this is."""
    return ChainHead(record.sequence, record.hash)


def hash_at(chain: str, sequence: int, previous_hash: bytes, encoded_event: bytes) -> bytes:
    """SHA-256 of a record; encoded_event is what `canonical.encode_event` gave.

    Raises ValueError for a place that cannot be.
    """
    place = encode_place(chain, sequence, previous_hash)
    return hashlib.sha256(place + encoded_event).digest()


def extend(previous: AuditRecord | ChainHead, chain: str, event: AuditEvent) -> AuditRecord:
    """The record that puts an event at the end of a chain. Raises ValueError for text that UTF-8
    cannot carry and a time without a zone."""
    head = head_after(previous) if isinstance(previous, AuditRecord) else previous
    sequence = head.length + 1
    return AuditRecord(
        event=event,
        chain=chain,
        sequence=sequence,
        previous_hash=head.hash,
        hash=hash_at(chain, sequence, head.hash, encode_event(event)),
    )
