import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.audit.canonical import canonical_bytes
from signerd.audit.chain import GENESIS
from signerd.audit.event import AuditEvent, EventKind

_WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


def _event(
    principal: str = "p",
    resource: str = "r",
    request_id: str = "q",
    details: dict[str, str] | None = None,
) -> AuditEvent:
    return AuditEvent(
        EventKind.SIGNATURE_CREATED, _WHEN, principal, resource, request_id, details or {}
    )


def test_bytes_are_the_documented_layout() -> None:
    """The bytes of a record can be rebuilt from the documentation by another program."""

    def text(value: str) -> bytes:
        return struct.pack(">I", len(value.encode())) + value.encode()

    event = _event("홍길동", "credentials/1", "id", {"나": "2", "a": "1"})
    expected = (
        b"signerd-audit-1\x00"
        + text("local/front-0")
        + struct.pack(">Q", 7)
        + GENESIS
        + text("signature.created")
        + struct.pack(">q", 1767323045678901)
        + text("홍길동")
        + text("credentials/1")
        + text("id")
        + struct.pack(">I", 2)
        + text("a")
        + text("1")
        + text("나")
        + text("2")
    )
    assert canonical_bytes("local/front-0", 7, GENESIS, event) == expected


@given(
    st.tuples(_TEXT, _TEXT, _TEXT, st.dictionaries(_TEXT, _TEXT, max_size=3)),
    st.tuples(_TEXT, _TEXT, _TEXT, st.dictionaries(_TEXT, _TEXT, max_size=3)),
)
def test_different_events_have_different_bytes(
    one: tuple[str, str, str, dict[str, str]], other: tuple[str, str, str, dict[str, str]]
) -> None:
    """Moving text from one field to its neighbour never gives the same bytes."""
    first = canonical_bytes("c", 1, GENESIS, _event(*one))
    second = canonical_bytes("c", 1, GENESIS, _event(*other))
    assert (first == second) == (one == other)


def test_order_of_details_does_not_matter() -> None:
    """The same details given in another order are the same event."""
    assert canonical_bytes("c", 1, GENESIS, _event(details={"a": "1", "b": "2"})) == (
        canonical_bytes("c", 1, GENESIS, _event(details={"b": "2", "a": "1"}))
    )


def test_same_instant_in_another_zone_is_the_same_event() -> None:
    """The zone in which a time was written down does not change the bytes."""
    seoul = _WHEN.astimezone(timezone(timedelta(hours=9)))
    event = AuditEvent(EventKind.SIGNATURE_CREATED, seoul, "p", "r", "q")
    assert canonical_bytes("c", 1, GENESIS, event) == canonical_bytes("c", 1, GENESIS, _event())


@pytest.mark.parametrize(
    ("sequence", "previous"), [(1, b"short"), (-1, GENESIS), (1 << 64, GENESIS)]
)
def test_impossible_place_is_refused(sequence: int, previous: bytes) -> None:
    """A hash of the wrong length or a sequence number out of range has no bytes."""
    with pytest.raises(ValueError, match=r"hash has|64 bits"):
        canonical_bytes("c", sequence, previous, _event())


def test_time_without_zone_is_refused() -> None:
    """A time that could mean several instants is not put on record."""
    event = AuditEvent(EventKind.SIGNATURE_CREATED, _WHEN.replace(tzinfo=None), "p", "r", "q")
    with pytest.raises(ValueError, match="time zone"):
        canonical_bytes("c", 1, GENESIS, event)
