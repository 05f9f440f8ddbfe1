"""Audit events as rows, in their places of a chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from signerd.audit.canonical import encode_event
from signerd.audit.chain import ChainHead, hash_at
from signerd.audit.event import AuditEvent
from signerd.store.column import to_microseconds

COLUMNS: Final = (
    "chain",
    "sequence",
    "previous_hash",
    "hash",
    "time_us",
    "kind",
    "principal",
    "resource",
    "request_id",
    "details",
)
_encode_json: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event ready to be put in its place. values: of the last columns."""

    encoded: bytes
    values: tuple[int, str, str, str, str, str]


def encode(event: AuditEvent) -> EncodedEvent:
    """All of an event's row that does not depend on its place. Raises ValueError for text that
    UTF-8 cannot carry and a time without a zone."""
    return EncodedEvent(
        encode_event(event),
        (
            to_microseconds(event.time_utc),
            event.kind.value,
            event.principal,
            event.resource,
            event.request_id,
            _encode_json(event.details).decode(),
        ),
    )


def place_events(
    events: Sequence[EncodedEvent], chain: str, head: ChainHead
) -> tuple[list[tuple[object, ...]], ChainHead]:
    """Rows of events at the end of a chain, values in the order of COLUMNS; the head then."""
    length, previous = head
    rows: list[tuple[object, ...]] = []
    for event in events:
        length += 1
        hash_ = hash_at(chain, length, previous, event.encoded)
        rows.append((chain, length, previous, hash_, *event.values))
        previous = hash_
    return rows, ChainHead(length, previous)
