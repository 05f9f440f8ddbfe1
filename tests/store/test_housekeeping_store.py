import uuid
from datetime import timedelta

import pytest

from signerd.audit.event import AuditFilter, EventKind
from signerd.core.error import NotFound, WrongState
from signerd.core.record import Page
from signerd.core.value import CredentialId, TokenRef
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.instance import SqlInstanceStore
from signerd.store.request import remember_request
from signerd.store.token_registry import SqlTokenRegistry
from signerd.store.transaction import Transaction
from tests.store.scenario import (
    OWNER,
    POOL,
    START,
    Bank,
    credential_in,
    draft_of,
    event_of,
    request_of,
)


@pytest.fixture
def housekeeping(bank: Bank) -> SqlHousekeeping:
    return SqlHousekeeping(bank.database)


async def test_issuances_of_the_dead_are_found_oldest_first(
    bank: Bank, housekeeping: SqlHousekeeping
) -> None:
    """Open issuances are interrupted once their owner is dead, and finished ones never are."""
    await bank.issue()
    opened = []
    for _ in range(3):
        bank.clock.advance(1)
        opened.append((await bank.issuances.begin_issuance(draft_of()))[0].draft.issuance_id)
    assert await housekeeping.list_interrupted_issuances(10) == []
    await SqlInstanceStore(bank.database).end_instance(OWNER)
    found = await housekeeping.list_interrupted_issuances(2)
    assert [record.draft.issuance_id for record in found] == opened[:2]


async def test_released_issuance_is_interrupted(bank: Bank, housekeeping: SqlHousekeeping) -> None:
    """What a living process gave up is found too."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.release_issuance(record.draft.issuance_id, OWNER)
    found = await housekeeping.list_interrupted_issuances(10)
    assert [one.draft.issuance_id for one in found] == [record.draft.issuance_id]


async def test_destroyed_key_gives_its_room_back(bank: Bank, housekeeping: SqlHousekeeping) -> None:
    """A destroyed key is recorded once, no longer awaits destruction and takes no room."""
    certificate = await bank.issue()
    await bank.revoke(certificate.certificate_id)
    retired = await housekeeping.list_retired_credentials(10)
    assert [one.credential_id for one in retired] == [certificate.credential]
    for _ in range(2):
        await housekeeping.mark_destroyed(
            credential_in(certificate), event_of(EventKind.KEY_DESTROYED)
        )
    assert await housekeeping.list_retired_credentials(10) == []
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [0]
    records, _ = await SqlAuditTrail(bank.database).list_records(
        AuditFilter(kind="key.destroyed"), Page(10)
    )
    assert len(records) == 1


async def test_key_in_use_is_not_destroyed(bank: Bank, housekeeping: SqlHousekeeping) -> None:
    """Only a retired credential is marked destroyed."""
    certificate = await bank.issue()
    with pytest.raises(WrongState):
        await housekeeping.mark_destroyed(credential_in(certificate), event_of())
    with pytest.raises(NotFound):
        await housekeeping.mark_destroyed(CredentialId("00" * 16), event_of())


async def test_dead_keys_are_told_from_living_and_unknown_ones(
    bank: Bank, housekeeping: SqlHousekeeping
) -> None:
    """Of the keys on a token only those of destroyed credentials of that token are dead."""
    living, destroyed = await bank.issue(), await bank.issue()
    await bank.revoke(destroyed.certificate_id)
    await housekeeping.mark_destroyed(credential_in(destroyed), event_of())
    ids = [bytes.fromhex(credential_in(one)) for one in (living, destroyed)]
    asked = [*ids, *(uuid.uuid4().bytes for _ in range(1200))]
    assert await housekeeping.find_dead_keys(POOL, asked) == [ids[1]]
    assert await housekeeping.find_dead_keys(TokenRef("pool-1", "other"), asked) == []
    assert await housekeeping.find_dead_keys(POOL, []) == []


async def test_old_request_ids_of_closed_calls_are_forgotten(
    bank: Bank, housekeeping: SqlHousekeeping
) -> None:
    """Request ids go when they are old and their call is over; open issuances keep theirs."""
    closed, opened, revocation = request_of(), request_of(), request_of("Revoke")
    certificate = await bank.issue(draft_of(request=closed))
    await bank.revoke(certificate.certificate_id, revocation)
    await bank.issuances.begin_issuance(draft_of(request=opened))
    bank.clock.advance(10)
    recent = request_of()
    await bank.issue(draft_of(request=recent))
    assert await housekeeping.forget_requests(START + timedelta(seconds=5)) == 2
    assert await housekeeping.forget_requests(START + timedelta(seconds=5)) == 0
    is_new = [
        (await bank.issuances.begin_issuance(draft_of(request=request)))[1]
        for request in (closed, opened, recent)
    ]
    assert is_new == [True, False, False]


async def test_many_request_ids_are_forgotten_in_portions(
    bank: Bank, housekeeping: SqlHousekeeping
) -> None:
    """A long list of old request ids is dropped as a whole."""
    certificate = await bank.issue()

    def remember_many(transaction: Transaction) -> None:
        for _ in range(600):
            remember_request(
                transaction.connection,
                request_of(),
                START,
                certificate=certificate.certificate_id,
            )

    await bank.database.write(remember_many)
    assert await housekeeping.forget_requests(START + timedelta(seconds=1)) == 601
