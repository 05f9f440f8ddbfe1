import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signerd.audit.chain import head_after
from signerd.audit.event import AuditFilter, AuditRecord, EventKind
from signerd.audit.verify import Fault, VerifyReport, verify_chain
from signerd.core.error import InvalidRequest, StoreUnavailable
from signerd.core.record import Page
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.migration import migrate
from tests.store.scenario import StandingClock, event_of

_CHAINS = ("local/front-0", "local/front-1")
_LENGTH = 5
_KINDS = [kind.value for kind in EventKind]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@dataclass(frozen=True, slots=True)
class Trail:
    """A closed database with two chains, and the rows in it."""

    path: Path
    rows: list[dict[str, object]] = field(repr=False)


def _append(url: str) -> None:
    async def run() -> None:
        for chain in _CHAINS:
            database = Database(url, chain=chain, clock=StandingClock())
            await database.start()
            for number in range(_LENGTH):
                event = event_of(resource=f"credentials/{number}", algorithm="EC", number="1")
                await SqlAuditTrail(database).append([event])
            await database.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def trail() -> Iterator[Trail]:
    """Made once; every test works on a copy."""
    with tempfile.TemporaryDirectory(prefix="sd") as directory:
        path = Path(directory) / "signerd.db"
        migrate(f"sqlite:///{path}")
        _append(f"sqlite:///{path}")
        connection = sqlite3.connect(path)
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM audit_events ORDER BY 1")]
        connection.close()
        yield Trail(path, rows)


def _verify_after(trail: Trail, *statements: tuple[str, tuple[object, ...]]) -> list[VerifyReport]:
    """What the verifier says of a copy after somebody with access to the file changed it."""
    with tempfile.TemporaryDirectory(prefix="sd") as directory:
        path = Path(directory) / "signerd.db"
        shutil.copy(trail.path, path)
        connection = sqlite3.connect(path)
        with connection:
            for statement, values in statements:
                connection.execute(statement, values)
        connection.close()
        return asyncio.run(_verify(f"sqlite:///{path}"))


async def _verify(url: str) -> list[VerifyReport]:
    database = Database(url, chain="", clock=StandingClock())
    await database.start()
    try:
        return await SqlAuditTrail(database).verify()
    finally:
        await database.close()


def _only_bad(reports: list[VerifyReport]) -> VerifyReport:
    bad = [report for report in reports if not report.ok]
    assert len(bad) == 1
    return bad[0]


def test_untouched_trail_is_good(trail: Trail) -> None:
    """What the daemon wrote is verified, chain by chain."""
    reports = _verify_after(trail)
    assert [(report.chain, report.checked, report.ok) for report in reports] == [
        (chain, _LENGTH, True) for chain in _CHAINS
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2 * _LENGTH - 1),
    st.one_of(
        st.tuples(
            st.sampled_from(["kind", "principal", "resource", "request_id", "details"]),
            st.one_of(_TEXT, st.binary(max_size=8), st.sampled_from(_KINDS)),
        ),
        st.tuples(
            st.sampled_from(["time_us", "sequence"]),
            st.one_of(
                st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False), st.text("abc가")
            ),
        ),
        st.tuples(
            st.sampled_from(["hash", "previous_hash"]),
            st.one_of(st.binary(max_size=40), st.binary(min_size=32, max_size=32), _TEXT),
        ),
        st.tuples(st.just("details"), st.dictionaries(_TEXT, _TEXT, max_size=2).map(json.dumps)),
    ),
)
def test_any_edit_of_any_row_names_it(trail: Trail, index: int, edit: tuple[str, object]) -> None:
    """Whatever is written into whatever column of whatever row, that row is the one reported,
    and the other chain is still good."""
    column, value = edit
    row = trail.rows[index]
    # Sequence numbers in use are refused by the table itself; the same value is no edit.
    assume(value != row[column])
    assume(column != "sequence" or value not in range(1, _LENGTH + 1))
    report = _only_bad(
        _verify_after(
            trail,
            (f"UPDATE audit_events SET {column} = ? WHERE position = ?", (value, row["position"])),  # noqa: S608 - one of our own columns
        )
    )
    assert report.chain == row["chain"]
    # A row that was moved elsewhere is missing from its place, or found before it.
    assert report.sequence == row["sequence"] or report.position == row["position"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2 * _LENGTH - 1))
def test_any_deleted_row_is_named(trail: Trail, index: int) -> None:
    """A row that was taken away is reported, wherever it stood: at either end too."""
    row = trail.rows[index]
    report = _only_bad(
        _verify_after(trail, ("DELETE FROM audit_events WHERE position = ?", (row["position"],)))
    )
    assert (report.chain, report.sequence) == (row["chain"], row["sequence"])
    assert report.fault is (Fault.CUT if row["sequence"] == _LENGTH else Fault.MISSING)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, _LENGTH))
def test_any_cut_tail_is_named(trail: Trail, kept: int) -> None:
    """Cutting a chain after any record names the first that is gone."""
    reports = _verify_after(
        trail,
        ("DELETE FROM audit_events WHERE chain = ? AND sequence > ?", (_CHAINS[0], kept)),
    )
    if kept == _LENGTH:
        assert all(report.ok for report in reports)
    else:
        report = _only_bad(reports)
        assert (report.fault, report.sequence, report.checked) == (Fault.CUT, kept + 1, kept)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(_LENGTH)), st.sampled_from(["sequence", "position"]))
def test_any_reordering_is_named(trail: Trail, order: list[int], column: str) -> None:
    """Giving the rows of a chain each other's places, in the chain or in storage, is reported."""
    rows = trail.rows[:_LENGTH]
    values = [rows[place][column] for place in order]
    # First out of the way: the places are unique.
    away = (f"UPDATE audit_events SET {column} = -{column} WHERE chain = ?", (_CHAINS[0],))  # noqa: S608 - one of our own columns
    moves = [
        (
            f"UPDATE audit_events SET {column} = ? WHERE hash = ?",  # noqa: S608 - one of our own columns
            (value, row["hash"]),
        )
        for row, value in zip(rows, values, strict=True)
    ]
    reports = _verify_after(trail, away, *moves)
    if order == sorted(order):
        assert all(report.ok for report in reports)
    else:
        report = _only_bad(reports)
        wrong = next(n for n, place in enumerate(order) if n != place)
        assert report.chain == _CHAINS[0]
        assert report.sequence >= wrong + 1
        assert report.checked <= max(wrong + 1, report.sequence - 1)


def test_repeated_record_is_named(trail: Trail) -> None:
    """A copy of a record at the end of its chain is reported even when the head counts it."""
    columns = "time_us, kind, principal, resource, request_id, details, previous_hash, hash"
    report = _only_bad(
        _verify_after(
            trail,
            (
                (
                    f"INSERT INTO audit_events (chain, sequence, {columns}) "  # noqa: S608 - our own columns
                    f"SELECT chain, 6, {columns} FROM audit_events WHERE chain = ? AND sequence = 5"
                ),
                (_CHAINS[0],),
            ),
            ("UPDATE audit_heads SET length = 6 WHERE chain = ?", (_CHAINS[0],)),
        )
    )
    assert (report.fault, report.sequence) == (Fault.UNLINKED, 6)


@pytest.mark.parametrize(
    ("statement", "fault", "sequence"),
    [
        ("UPDATE audit_heads SET length = 4", Fault.SURPLUS, 5),
        ("UPDATE audit_heads SET length = 6", Fault.CUT, 6),
        ("UPDATE audit_heads SET head_hash = zeroblob(32)", Fault.HEAD, 5),
        ("DELETE FROM audit_heads", Fault.SURPLUS, 1),
    ],
)
def test_changed_head_is_named(trail: Trail, statement: str, fault: Fault, sequence: int) -> None:
    """A head that was changed or taken away no longer fits its records."""
    report = _only_bad(_verify_after(trail, (f"{statement} WHERE chain = ?", (_CHAINS[1],))))
    assert (report.chain, report.fault, report.sequence) == (_CHAINS[1], fault, sequence)


def test_record_moved_to_another_chain_is_named(trail: Trail) -> None:
    """A record hung into another chain is missing in its own and wrong in the other."""
    reports = _verify_after(
        trail,
        (
            "UPDATE audit_events SET chain = ?, sequence = 6 WHERE chain = ? AND sequence = 5",
            (_CHAINS[1], _CHAINS[0]),
        ),
    )
    assert [(report.fault, report.sequence) for report in reports] == [
        (Fault.CUT, 5),
        (Fault.SURPLUS, 6),
    ]


def test_text_that_is_no_text_is_named(trail: Trail) -> None:
    """Octets that are not UTF-8 in a text column do not stop the verifier."""
    report = _only_bad(
        _verify_after(
            trail,
            (
                "UPDATE audit_events SET principal = CAST(? AS TEXT) WHERE position = 3",
                (b"\xff\xfe",),
            ),
        )
    )
    assert (report.fault, report.sequence, report.checked) == (Fault.UNREADABLE, 3, 2)


async def test_long_chain_is_verified_while_it_grows(database: Database) -> None:
    """A chain longer than one portion is verified while the daemon goes on appending."""
    audit = SqlAuditTrail(database)
    await audit.append([event_of() for _ in range(1500)])
    verification = asyncio.create_task(audit.verify())
    for _ in range(20):
        await audit.append([event_of()])
    (report,) = await verification
    assert report.ok
    assert 1500 <= report.checked <= 1520
    records = await audit.records_after(0, 2000)
    assert len(records) == 1520
    assert verify_chain(records, (await audit.heads())["local/front-0"]).ok
    assert head_after(records[-1]) == (await audit.heads())["local/front-0"]


async def test_events_come_back_as_they_were_recorded(database: Database) -> None:
    """Every field of an event survives storage, Korean text and microseconds included."""
    event = event_of(EventKind.POLICY_LOADED, "정책", 파일="policy.toml", empty="")
    await SqlAuditTrail(database).append([event])
    (record,) = await SqlAuditTrail(database).records_after(0, 10)
    assert record.event == event
    assert (record.chain, record.sequence, record.position) == ("local/front-0", 1, 1)


async def _all_pages(audit: SqlAuditTrail, where: AuditFilter, size: int) -> list[AuditRecord]:
    found: list[AuditRecord] = []
    cursor = ""
    while True:
        records, cursor = await audit.list_records(where, Page(size, cursor))
        found += records
        if not cursor:
            return found


@pytest.mark.parametrize("size", [1, 3, 4, 12, 13])
async def test_trail_is_listed_oldest_first_by_filter(database: Database, size: int) -> None:
    """A listing holds every record that fits the filter once, in the order of storage."""
    audit = SqlAuditTrail(database)
    kinds = (EventKind.SIGNATURE_CREATED, EventKind.KEY_DESTROYED)
    for number in range(12):
        await audit.append([event_of(kinds[number % 2], f"credentials/{number % 3}")])
    assert await audit.last_position() == 12
    positions = {
        (resource, kind): [
            record.position for record in await _all_pages(audit, AuditFilter(resource, kind), size)
        ]
        for resource in ("", "credentials/1")
        for kind in ("", "key.destroyed")
    }
    assert positions == {
        ("", ""): list(range(1, 13)),
        ("", "key.destroyed"): [2, 4, 6, 8, 10, 12],
        ("credentials/1", ""): [2, 5, 8, 11],
        ("credentials/1", "key.destroyed"): [2, 8],
    }
    later = await audit.records_after(10, 1)
    assert [record.position for record in later] == [11]


async def test_cursor_of_another_audit_filter_is_refused(database: Database) -> None:
    """A page token goes with the filter it was made for."""
    audit = SqlAuditTrail(database)
    await audit.append([event_of(), event_of()])
    _, cursor = await audit.list_records(AuditFilter(), Page(1))
    with pytest.raises(InvalidRequest):
        await audit.list_records(AuditFilter(kind="key.destroyed"), Page(1, cursor))


async def test_empty_trail_has_no_position(database: Database) -> None:
    """Before the first record the last position is 0."""
    assert await SqlAuditTrail(database).last_position() == 0


async def test_listing_an_edited_record_says_which(database: Database, store_url: str) -> None:
    """A record that makes no sense is reported as damage with its position."""
    audit = SqlAuditTrail(database)
    await audit.append([event_of(), event_of()])
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    with connection:
        connection.execute("UPDATE audit_events SET kind = 'invented' WHERE position = 2")
    connection.close()
    with pytest.raises(StoreUnavailable) as caught:
        await audit.records_after(0, 10)
    assert caught.value.reason == "STORE_CORRUPT"
    assert "audit record 2" in caught.value.message
