"""The bytes of an audit record that its hash is made of.

Layout, all integers big-endian, every text UTF-8:

    "signerd-audit-1" 00
    text chain | u64 sequence | 32 octets previous hash
    text kind | i64 time in microseconds since 1970-01-01T00:00:00Z
    text principal | text resource | text request id
    u32 number of details | for each, sorted by the UTF-8 of its name: text name | text value

`text` is a u32 length in octets followed by the octets. Every field has a fixed length or carries
it, in a fixed order: two different records never have the same bytes.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from signerd.audit.event import AuditEvent

HASH_BYTES: Final = 32

_MAGIC: Final = b"signerd-audit-1\x00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_I64: Final = struct.Struct(">q")


def _text(value: str) -> bytes:
    octets = value.encode()
    return _U32.pack(len(octets)) + octets


def encode_event(event: AuditEvent) -> bytes:
    """The part of the bytes that does not depend on the event's place.

    Raises ValueError for a time without a zone and for text that UTF-8 cannot carry.
    """
    if event.time_utc.tzinfo is None:
        raise ValueError("the time of an audit event needs a time zone")
    details = sorted((name.encode(), value) for name, value in event.details.items())
    return b"".join(
        (
            _text(event.kind.value),
            _I64.pack((event.time_utc - _EPOCH) // _MICROSECOND),
            _text(event.principal),
            _text(event.resource),
            _text(event.request_id),
            _U32.pack(len(details)),
            *(_U32.pack(len(name)) + name + _text(value) for name, value in details),
        )
    )


def encode_place(chain: str, sequence: int, previous_hash: bytes) -> bytes:
    """The part of the bytes that says where an event stands; it comes first.

    Raises ValueError for a previous hash that is none and a sequence number beyond 64 bits.
    """
    if len(previous_hash) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes")
    if not 0 <= sequence < 1 << 64:
        raise ValueError("a sequence number has 64 bits")
    return b"".join((_MAGIC, _text(chain), _U64.pack(sequence), previous_hash))


def canonical_bytes(chain: str, sequence: int, previous_hash: bytes, event: AuditEvent) -> bytes:
    """What the hash of a record is computed over. Raises ValueError as its two parts do."""
    return encode_place(chain, sequence, previous_hash) + encode_event(event)
