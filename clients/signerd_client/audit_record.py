"""Audit records out of the octets that their hashes are made of.

Integers are big-endian, every text is a u32 length and UTF-8: "signerd-audit-1" 00, text chain, u64
sequence, 32 octets previous hash, text kind, i64 microseconds since 1970, text principal, text
resource, text request id, u32 number of details, and for each text name, text value.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from signerd_client.audit_proof import ProofError

_MAGIC: Final = b"signerd-audit-1\x00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What a record says. previous_hash: SHA-256 of the record before it in its chain."""

    chain: str
    sequence: int
    previous_hash: bytes
    kind: str
    event_time: datetime
    principal: str
    resource: str
    request_id: str
    details: Mapping[str, str]


class _Reader:
    """Takes octets from the front."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("the record ends too early")
        self._at += count
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self) -> str:
        return self.take(self.number(">I")).decode()

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._octets)


def parse_record(octets: bytes) -> AuditRecord:
    """Raises ProofError for octets that are no record."""
    reader = _Reader(octets)
    try:
        magic, record = reader.take(len(_MAGIC)), _read(reader)
    except (ValueError, OverflowError):
        raise ProofError("the record in the proof is no audit record") from None
    if magic != _MAGIC or not reader.is_at_end:
        raise ProofError("the record in the proof is no audit record of this version")
    return record


def _read(reader: _Reader) -> AuditRecord:
    return AuditRecord(
        chain=reader.text(),
        sequence=reader.number(">Q"),
        previous_hash=reader.take(_HASH_BYTES),
        kind=reader.text(),
        event_time=_EPOCH + timedelta(microseconds=reader.number(">q")),
        principal=reader.text(),
        resource=reader.text(),
        request_id=reader.text(),
        details={reader.text(): reader.text() for _ in range(reader.number(">I"))},
    )
