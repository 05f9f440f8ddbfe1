from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.audit.chain import EMPTY, extend, head_after
from signerd.audit.event import AuditEvent, AuditRecord, EventKind
from signerd.audit.verify import Fault, verify_chain

_START = datetime(2026, 1, 1, tzinfo=UTC)
_CHAIN = "local/front-0"


def _chain(length: int, chain: str = _CHAIN) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    head = EMPTY
    for number in range(length):
        event = AuditEvent(
            EventKind.SIGNATURE_CREATED,
            _START + timedelta(seconds=number),
            "spiffe://bank/app",
            f"credentials/{number}",
            f"request-{number}",
            {"algorithm": "EC_P256_SHA256"},
        )
        record = replace(extend(head, chain, event), position=number + 1)
        records.append(record)
        head = head_after(record)
    return records


def test_untouched_chain_is_good() -> None:
    """A chain as written is verified to its head."""
    records = _chain(5)
    report = verify_chain(records, head_after(records[-1]))
    assert (report.ok, report.checked) == (True, 5)
    assert str(report) == "chain local/front-0: 5 records, all good"


def test_empty_chain_is_good() -> None:
    """A chain to which nothing was ever written has nothing wrong."""
    assert verify_chain([], EMPTY, chain=_CHAIN).ok


@pytest.mark.parametrize(
    ("change", "fault", "sequence"),
    [
        (lambda r: [r[0], *r[2:]], Fault.MISSING, 2),
        (lambda r: r[1:], Fault.MISSING, 1),
        (lambda r: r[:-1], Fault.CUT, 5),
        (lambda _: [], Fault.CUT, 1),
        (lambda r: [r[0], r[2], r[1], *r[3:]], Fault.MISSING, 2),
        (lambda r: [r[0], r[0], *r[1:]], Fault.REPEATED, 1),
        (
            lambda r: [*r[:3], replace(r[3], sequence=5), replace(r[4], sequence=4)],
            Fault.MISSING,
            4,
        ),
        (
            lambda r: [*r[:3], replace(r[3], event=r[4].event), replace(r[4], event=r[3].event)],
            Fault.EDITED,
            4,
        ),
        (
            lambda r: [r[0], replace(r[1], position=3), replace(r[2], position=2), *r[3:]],
            Fault.MOVED,
            3,
        ),
        (lambda r: [*r[:2], _chain(3, "local/front-1")[2], *r[3:]], Fault.FOREIGN, 3),
    ],
)
def test_tampering_is_named(
    change: Callable[[list[AuditRecord]], list[AuditRecord]], fault: Fault, sequence: int
) -> None:
    """Each way to tamper with a chain is reported with the first record concerned."""
    records = _chain(5)
    report = verify_chain(change(records), head_after(records[-1]), chain=_CHAIN)
    assert (report.fault, report.sequence) == (fault, sequence)
    assert f"record {sequence}" in str(report)


def test_record_beyond_the_head_is_named() -> None:
    """A record that was added without the head being told is found."""
    records = _chain(3)
    added = replace(extend(records[-1], _CHAIN, records[0].event), position=9)
    report = verify_chain([*records, added], head_after(records[-1]))
    assert (report.fault, report.sequence) == (Fault.SURPLUS, 4)


def test_rewritten_chain_does_not_fit_its_head() -> None:
    """Rewriting the last record and its hash consistently is betrayed by the head."""
    records = _chain(3)
    forged = extend(records[1], _CHAIN, replace(records[2].event, principal="someone else"))
    report = verify_chain([*records[:2], replace(forged, position=3)], head_after(records[-1]))
    assert (report.fault, report.sequence, report.checked) == (Fault.HEAD, 3, 2)


_EDITS: dict[str, Callable[[AuditEvent], AuditEvent]] = {
    "time": lambda e: replace(e, time_utc=e.time_utc + timedelta(microseconds=1)),
    "kind": lambda e: replace(e, kind=EventKind.KEY_DESTROYED),
    "principal": lambda e: replace(e, principal=e.principal + "x"),
    "resource": lambda e: replace(e, resource=e.resource[:-1]),
    "request_id": lambda e: replace(e, request_id=""),
    "details": lambda e: replace(e, details={**e.details, "": ""}),
}


@given(st.integers(1, 6), st.data())
def test_any_edit_of_any_field_is_named(length: int, data: st.DataObject) -> None:
    """Whatever field of whatever record is edited, that record is the one reported."""
    records = _chain(length)
    expected = head_after(records[-1])
    place = data.draw(st.integers(0, length - 1))
    edit = _EDITS[data.draw(st.sampled_from(sorted(_EDITS)))]
    records[place] = replace(records[place], event=edit(records[place].event))
    report = verify_chain(records, expected)
    assert (report.fault, report.sequence) == (Fault.EDITED, place + 1)
    assert report.checked == place


@given(st.permutations(range(6)))
def test_any_other_order_is_named(order: list[int]) -> None:
    """Every order but the right one is reported at the first place where it departs."""
    records = _chain(6)
    report = verify_chain([records[i] for i in order], head_after(records[-1]), chain=_CHAIN)
    right = next((n for n, i in enumerate(order) if n != i), None)
    assert report.ok == (right is None)
    if right is not None:
        assert (report.fault, report.sequence) == (Fault.MISSING, right + 1)
