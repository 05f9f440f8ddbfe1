"""Certificates counted, and what happened to them found among everything else on record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from signerd.audit.event import EventKind
from signerd.core.record import CertificateFilter, CertificateRecord
from signerd.core.value import CertificateId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.certificate import count_query
from signerd.store.database import Database
from tests.store.scenario import START, Bank, draft_of, event_of

_MONTH_END = datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def _issue(
    bank: Bank, branch: str = "", *, profile: str = "personal", end: datetime = _MONTH_END
) -> CertificateRecord:
    draft = draft_of(subscriber=f"of-{branch or 'none'}", not_after_utc=end)
    subject = replace(draft.subject, branch=branch)
    return await bank.issue(replace(draft, profile=profile, subject=subject))


async def _count(
    bank: Bank, where: CertificateFilter | None = None
) -> dict[tuple[str, str, str, str], int]:
    counts = await bank.certificates.count_certificates(
        where or CertificateFilter(), bank.clock.now()
    )
    found = {(one.state.value, one.profile, one.branch, one.expire_month): one for one in counts}
    assert len(found) == len(counts)
    return {group: one.count for group, one in found.items()}


async def test_certificates_are_counted_by_what_they_have_in_common(bank: Bank) -> None:
    """One count for each combination of state, profile, branch and month of expiry in UTC; a month
    ends with its last microsecond."""
    for _ in range(3):
        await _issue(bank, "071")
    await _issue(bank, "071", end=_MONTH_END + _MICROSECOND)
    await _issue(bank, "001", profile="corporate")
    await _issue(bank)
    await bank.revoke((await _issue(bank, "071")).certificate_id)
    assert await _count(bank) == {
        ("ACTIVE", "personal", "071", "2026-11"): 3,
        ("ACTIVE", "personal", "071", "2026-12"): 1,
        ("ACTIVE", "corporate", "001", "2026-11"): 1,
        ("ACTIVE", "personal", "", "2026-11"): 1,
        ("REVOKED", "personal", "071", "2026-11"): 1,
    }


async def test_an_empty_store_has_no_counts(bank: Bank) -> None:
    """What there is none of is not counted as zero."""
    assert await bank.certificates.count_certificates(CertificateFilter(), START) == []


async def test_counted_states_follow_the_clock(bank: Bank) -> None:
    """After its last moment an active certificate counts as expired, a revoked one as revoked."""
    end = START + timedelta(days=1)
    await _issue(bank, end=end)
    await bank.revoke((await _issue(bank, end=end)).certificate_id)
    bank.clock.time = end
    assert {state for state, *_ in await _count(bank)} == {"ACTIVE", "REVOKED"}
    bank.clock.advance(0.000001)
    assert {state for state, *_ in await _count(bank)} == {"EXPIRED", "REVOKED"}


async def test_a_suspended_certificate_is_counted_as_suspended_until_it_expires(
    bank: Bank,
) -> None:
    """Expiry comes before suspension, as the state machine has it."""
    end = START + timedelta(days=1)
    certificate = await _issue(bank, end=end)

    def suspend(connection: Connection) -> None:
        connection.execute(
            text("UPDATE certificates SET state = 'SUSPENDED' WHERE certificate_id = :id"),
            {"id": certificate.certificate_id},
        )

    await bank.database.write(lambda transaction: suspend(transaction.connection))
    assert {state for state, *_ in await _count(bank)} == {"SUSPENDED"}
    bank.clock.time = end + _MICROSECOND
    assert {state for state, *_ in await _count(bank)} == {"EXPIRED"}


async def test_counts_keep_to_filter_and_scope(bank: Bank) -> None:
    """The window of expiry is half open, and a caller's patterns hide other subscribers."""
    for branch in ("001", "071", "071"):
        await _issue(bank, branch)
    await _issue(bank, "071", end=_MONTH_END + _MICROSECOND)
    november = CertificateFilter(
        expires_from_utc=_MONTH_END, expires_before_utc=_MONTH_END + _MICROSECOND
    )
    assert sum((await _count(bank, november)).values()) == 3
    seen = await _count(bank, CertificateFilter(visible_subscribers=("of-07*",)))
    assert seen == {
        ("ACTIVE", "personal", "071", "2026-11"): 2,
        ("ACTIVE", "personal", "071", "2026-12"): 1,
    }
    assert await _count(bank, CertificateFilter(visible_subscribers=())) == {}


async def test_counting_reads_no_certificate(bank: Bank) -> None:
    """The index has all that is counted: a bank's whole stock is counted without reading it."""
    query = count_query(CertificateFilter(), START)

    def explain(connection: Connection) -> list[str]:
        sql = query.compile(connection, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))
        return [row.detail for row in rows]

    plan = await bank.database.read(explain)
    assert any("COVERING INDEX" in step for step in plan), plan


async def test_a_replacement_is_of_the_branch_of_the_old(bank: Bank) -> None:
    """The branch comes with the subject, whichever way a certificate was made."""
    old = await _issue(bank, "071")
    draft = replace(draft_of(replaces=old.certificate_id), subject=old.subject_record)
    new = await bank.issue(draft)
    assert new.subject_record.branch == "071"
    assert {branch for _, _, branch, _ in await _count(bank)} == {"071"}


async def test_certificates_are_found_together(bank: Bank) -> None:
    """Those that exist come by their id as they stand, those that do not are left out."""
    made = [await _issue(bank) for _ in range(3)]
    revoked = await bank.revoke(made[0].certificate_id)
    ids = [made[0].certificate_id, made[2].certificate_id, CertificateId("00")]
    found = await bank.certificates.find_certificates(ids)
    assert found == {revoked.certificate_id: revoked, made[2].certificate_id: made[2]}
    assert await bank.certificates.find_certificates([]) == {}


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_records_of_some_kinds_come_in_order(database: Database, limit: int) -> None:
    """Followed in steps of any size, all records of the kinds come once, oldest first."""
    audit = SqlAuditTrail(database)
    kinds = (
        EventKind.CERTIFICATE_ISSUED,
        EventKind.SIGNATURE_CREATED,
        EventKind.CERTIFICATE_REVOKED,
        EventKind.SIGNATURE_CREATED,
    )
    for number in range(12):
        await audit.append([event_of(kinds[number % 4], f"certificates/{number}")])
    wanted = {EventKind.CERTIFICATE_ISSUED, EventKind.CERTIFICATE_REVOKED}
    position, found = 0, []
    while records := await audit.records_after(position, limit, wanted):
        assert len(records) <= limit
        position = records[-1].position
        found += records
    assert [record.position for record in found] == [1, 3, 5, 7, 9, 11]
    assert {record.event.kind for record in found} == wanted
    assert [one.event.resource for one in found] == [f"certificates/{n}" for n in range(0, 12, 2)]
