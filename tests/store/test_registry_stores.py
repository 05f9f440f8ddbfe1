from dataclasses import replace

import pytest

from signerd.audit.event import EventKind
from signerd.core.error import WrongState
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import TokenRecord
from signerd.core.value import InstanceId, TokenRef
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.instance import SqlInstanceStore
from signerd.store.lease import SqlLeaseStore
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import START, Bank, StandingClock, draft_of, event_of

_A, _B = InstanceId("a"), InstanceId("b")


async def test_tokens_are_registered_once_and_in_order(database: Database) -> None:
    """Registering a token again changes and records nothing."""
    registry = SqlTokenRegistry(database)
    authority = TokenRecord(TokenRef("authority", "1"), TokenPurpose.AUTHORITY, 0)
    pool = TokenRecord(TokenRef("pool", "2"), TokenPurpose.SUBSCRIBER, 5)
    for token in (authority, pool, authority, replace(pool, capacity=9)):
        await registry.register_token(token, event_of(EventKind.TOKEN_ADDED))
    assert await registry.list_tokens() == [authority, pool]
    assert len(await SqlAuditTrail(database).records_after(0, 10)) == 2


async def test_tokens_with_one_label_are_told_apart_by_serial(database: Database) -> None:
    """Labels may repeat; label and serial together name a token."""
    registry = SqlTokenRegistry(database)
    for serial in ("1", "2"):
        token = TokenRecord(TokenRef("pool", serial), TokenPurpose.SUBSCRIBER, 5)
        await registry.register_token(token, event_of(EventKind.TOKEN_ADDED))
    assert [one.token.serial for one in await registry.list_tokens()] == ["1", "2"]


async def test_new_run_ends_the_one_before_in_its_slot(bank: Bank, clock: StandingClock) -> None:
    """A process that starts in a slot makes its predecessor dead at once, and no other."""
    instances = SqlInstanceStore(bank.database)
    await instances.start_instance(_A, "local", "front-1", clock.now())
    owned = {}
    for owner in (_A, InstanceId("owner")):
        record, _ = await bank.issuances.begin_issuance(draft_of(owner=owner))
        owned[owner] = record.draft.issuance_id
    await instances.start_instance(_B, "local", "front-1", clock.now())
    assert not (await bank.issuances.get_issuance(owned[_A])).owner_alive
    assert (await bank.issuances.get_issuance(owned[InstanceId("owner")])).owner_alive
    with pytest.raises(WrongState) as caught:
        await instances.beat(_A, clock.now())
    assert caught.value.reason == "INSTANCE_ENDED"


async def test_beat_keeps_alive(bank: Bank, clock: StandingClock) -> None:
    """An instance lives on as long as it beats within five seconds."""
    instances = SqlInstanceStore(bank.database)
    await instances.start_instance(_A, "local", "front-1", clock.now())
    record, _ = await bank.issuances.begin_issuance(draft_of(owner=_A))
    clock.advance(4)
    await instances.beat(_A, clock.now())
    clock.advance(4.5)
    assert (await bank.issuances.get_issuance(record.draft.issuance_id)).owner_alive
    clock.advance(0.5)
    assert not (await bank.issuances.get_issuance(record.draft.issuance_id)).owner_alive


async def test_lease_has_one_holder(database: Database, clock: StandingClock) -> None:
    """A lease is renewed by its holder and passes on when it ends or is released."""
    leases = SqlLeaseStore(database)
    assert await leases.claim("keeper", _A, 10, START)
    assert not await leases.claim("keeper", _B, 10, START)
    assert await leases.claim("other", _B, 10, START)
    clock.advance(9)
    assert await leases.claim("keeper", _A, 10, clock.now())
    clock.advance(9.9)
    assert not await leases.claim("keeper", _B, 10, clock.now())
    clock.advance(0.1)
    assert await leases.claim("keeper", _B, 10, clock.now())
    assert not await leases.claim("keeper", _A, 10, clock.now())
    await leases.release("keeper", _A)
    assert not await leases.claim("keeper", _A, 10, clock.now())
    await leases.release("keeper", _B)
    assert await leases.claim("keeper", _A, 10, clock.now())


async def test_a_clock_that_is_set_back_leaves_nothing_taken(
    bank: Bank, clock: StandingClock
) -> None:
    """A lease and an instance of a time that has not come yet hold nobody up; a clock that is a
    little ahead does not take a lease away."""
    leases, instances = SqlLeaseStore(bank.database), SqlInstanceStore(bank.database)
    clock.advance(3600)
    await instances.start_instance(_A, "local", "front-9", clock.now())
    record, _ = await bank.issuances.begin_issuance(draft_of(owner=_A))
    assert await leases.claim("keeper", _A, 10, clock.now())
    clock.advance(-5)
    assert not await leases.claim("keeper", _B, 10, clock.now())
    assert (await bank.issuances.get_issuance(record.draft.issuance_id)).owner_alive
    clock.advance(-3600)
    assert await leases.claim("keeper", _B, 10, clock.now())
    assert not (await bank.issuances.get_issuance(record.draft.issuance_id)).owner_alive
    assert await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _B, fresh_cka_id=b"another CKA_ID.."
    )
