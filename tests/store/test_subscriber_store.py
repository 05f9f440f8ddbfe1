"""Subscribers in the store: found by keyed hash, changed by one at a time, erased for good."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.error import Interrupted, WrongState
from signerd.core.evidence import Failures
from signerd.core.record import HolderIdentity
from signerd.core.subscriber import Lookup, LookupKind, SubscriberRecord
from signerd.core.value import CertificateId, SubscriberId
from signerd.store.database import Database
from signerd.store.identity import SqlIdentityStore
from signerd.store.subscriber import SqlSubscriberStore
from tests.store.scenario import START, Bank, StandingClock, draft_of, event_of, request_of

if TYPE_CHECKING:
    from signerd.ca.ports import IdentityStore
    from signerd.registry.ports import SubscriberStore

    def _fits_its_port(database: Database) -> tuple[SubscriberStore, IdentityStore]:
        """For the type checker: the adapters have the shape of the ports."""
        return SqlSubscriberStore(database), SqlIdentityStore(database)


HONG = SubscriberId("hong-gildong")
IDENTITY = HolderIdentity("홍길동", b"v" * 32, b"sealed random number of hong")
RECORD = SubscriberRecord(
    HONG, "홍길동", "041", b"sealed personal data of hong", IDENTITY, registered_utc=START
)
PHONE = Lookup(LookupKind.PHONE, b"p" * 32)
ACCOUNT = Lookup(LookupKind.ACCOUNT, b"a" * 32)


def _event(kind: EventKind) -> AuditEvent:
    return event_of(kind, f"subscribers/{HONG}")


@pytest.fixture
def store(database: Database) -> SqlSubscriberStore:
    return SqlSubscriberStore(database)


async def _register(store: SqlSubscriberStore) -> SubscriberRecord:
    return await store.register_subscriber(
        request_of("Register"), RECORD, [PHONE, ACCOUNT], _event(EventKind.SUBSCRIBER_REGISTERED)
    )


async def _erase(store: SqlSubscriberStore) -> SubscriberRecord:
    return await store.erase_subscriber(
        request_of("Erase"), HONG, _event(EventKind.SUBSCRIBER_ERASED)
    )


async def test_who_is_registered_is_found(store: SqlSubscriberStore) -> None:
    """By kind and hash together, of those whom the caller may see."""
    assert await _register(store) == RECORD
    assert await store.find_subscriber(HONG) == RECORD
    assert await store.find_by_lookup(PHONE, None, 10) == [RECORD]
    assert await store.find_by_lookup(PHONE, ["hong-*"], 10) == [RECORD]
    assert await store.find_by_lookup(PHONE, ["kim-*"], 10) == []
    assert await store.find_by_lookup(replace(PHONE, kind=LookupKind.EMAIL), None, 10) == []
    assert await store.has_lookup(HONG, ACCOUNT)
    assert not await store.has_lookup(HONG, replace(ACCOUNT, mac=b"b" * 32))


async def test_of_two_changes_at_once_one_is_made(store: SqlSubscriberStore) -> None:
    """The other is told to look again: it was thought of without the first."""
    await _register(store)

    async def change(branch: str) -> SubscriberRecord:
        return await store.update_subscriber(
            request_of("Update"),
            RECORD,
            replace(RECORD, branch=branch),
            [],
            _event(EventKind.SUBSCRIBER_UPDATED),
        )

    done = await asyncio.gather(change("042"), change("043"), return_exceptions=True)
    (refused,) = [one for one in done if isinstance(one, Interrupted)]
    assert refused.reason == "CONCURRENT_CHANGE"
    (made,) = [one for one in done if isinstance(one, SubscriberRecord)]
    assert await store.find_subscriber(HONG) == made
    assert await store.find_by_lookup(PHONE, None, 10) == [made]


async def test_who_is_about_to_get_a_certificate_is_not_erased(
    bank: Bank, store: SqlSubscriberStore
) -> None:
    """Nor who has one that is valid; one that expired is no hindrance."""
    await _register(store)
    record, _ = await bank.issuances.begin_issuance(
        replace(draft_of(subscriber=HONG), identity=IDENTITY)
    )
    with pytest.raises(Interrupted) as making:
        await _erase(store)
    assert making.value.reason == "ISSUANCE_IN_PROGRESS"
    await bank.finish(record)
    with pytest.raises(WrongState) as valid:
        await _erase(store)
    assert valid.value.reason == "SUBSCRIBER_HAS_CERTIFICATE"
    bank.clock.advance(timedelta(days=366).total_seconds())
    assert (await _erase(store)).erased_utc == bank.clock.now()


async def test_what_could_prove_an_identity_is_erased_everywhere(
    bank: Bank, store: SqlSubscriberStore, store_url: str
) -> None:
    """Of subscriber, certificate and issuance; the bytes are gone from the file, and no new
    certificate has a VID that was taken before."""
    await _register(store)
    record, _ = await bank.issuances.begin_issuance(
        replace(draft_of(subscriber=HONG), identity=IDENTITY)
    )
    assert record.draft.identity == IDENTITY
    certificate = await bank.finish(record)
    await bank.revoke(certificate.certificate_id)
    erased = await _erase(store)
    assert erased == SubscriberRecord(HONG, erased_utc=bank.clock.now())
    assert await store.find_by_lookup(PHONE, None, 10) == []
    kept = replace(IDENTITY, sealed_random=None)
    assert (await bank.issuances.get_issuance(record.draft.issuance_id)).draft.identity == kept
    with pytest.raises(WrongState) as late:
        await bank.issuances.begin_issuance(replace(draft_of(subscriber=HONG), identity=IDENTITY))
    assert late.value.reason == "SUBSCRIBER_ERASED"
    await bank.issue(draft_of(subscriber=HONG))
    await bank.database.close()
    file = store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(file, "rb") as database:  # noqa: ASYNC230, PTH123 - the loop has nothing else to do
        content = database.read()
    assert b"certificate of " in content
    assert RECORD.sealed is not None
    assert IDENTITY.sealed_random is not None
    assert RECORD.sealed not in content
    assert IDENTITY.sealed_random not in content


async def test_composed_names_get_numbers_of_their_own(bank: Bank) -> None:
    """Only they; a taken-over issuance keeps its number."""
    numbers = []
    for is_composed in (True, False, True):
        draft = replace(draft_of(), is_name_composed=is_composed)
        record, _ = await bank.issuances.begin_issuance(draft)
        again = await bank.issuances.get_issuance(draft.issuance_id)
        assert again.running_number == record.running_number
        assert again.draft.is_name_composed is is_composed
        numbers.append(record.running_number)
    assert numbers == [1, None, 2]


async def test_questions_at_the_same_moment_are_counted_one_by_one(
    database: Database, clock: StandingClock
) -> None:
    """Each is judged with what the one before left; a right one leaves nothing."""
    store, certificate = SqlIdentityStore(database), CertificateId("0a")

    def wrong(before: Failures) -> tuple[Failures, AuditEvent | None]:
        return Failures(before.count + 1, clock.now()), None

    asked = await asyncio.gather(*(store.judge_identity(certificate, wrong) for _ in range(8)))
    assert sorted(before.count for before in asked) == list(range(8))
    assert await store.identity_failures(certificate) == Failures(8, clock.now())
    event = _event(EventKind.IDENTITY_VERIFIED)
    before = await store.judge_identity(certificate, lambda _: (Failures(), event))
    assert before.count == 8
    assert await store.identity_failures(certificate) == Failures()
