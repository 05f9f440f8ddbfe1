import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from signerd.audit.event import AuditFilter, EventKind
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Interrupted
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import GeneratedKey, IssuanceRecord, Page, TokenRecord
from signerd.core.value import InstanceId, KeyRef, TokenRef
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.instance import SqlInstanceStore
from signerd.store.issuance import SqlIssuanceStore
from signerd.store.ready_key import SqlReadyKeyStore
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import OWNER, POOL, Bank, StandingClock, draft_of, event_of

if TYPE_CHECKING:
    from signerd.ca.keeper_ports import ReadyKeyStore

    def _fits_its_port(database: Database) -> ReadyKeyStore:
        """For the type checker: the adapter has the shape of the port."""
        return SqlReadyKeyStore(database)


_P256 = KeyAlgorithm.EC_P256_SHA256
_KEEPER = InstanceId("keeper")
_SECOND = TokenRef("pool-2", "0002")
_MADE = GeneratedKey(b"spki", local=True, always_sensitive=True, never_extractable=None)


@pytest.fixture
async def keys(bank: Bank) -> SqlReadyKeyStore:
    """The store of ready keys, with a living keeper."""
    await SqlInstanceStore(bank.database).start_instance(
        _KEEPER, "local", "keeper", bank.clock.now()
    )
    return SqlReadyKeyStore(bank.database)


@pytest.fixture
async def second_front(store_url: str, clock: StandingClock) -> AsyncIterator[Database]:
    """The same database, as another process has it open."""
    database = Database(store_url, chain="local/front-1", clock=clock)
    await database.start()
    yield database
    await database.close()


async def _reserve(
    keys: SqlReadyKeyStore, most: int = 10, avoid: frozenset[TokenRef] = frozenset()
) -> KeyRef | None:
    return await keys.reserve_ready_key(uuid.uuid4().bytes, _P256, _KEEPER, most=most, avoid=avoid)


async def _make(keys: SqlReadyKeyStore, avoid: frozenset[TokenRef] = frozenset()) -> KeyRef:
    key = await _reserve(keys, avoid=avoid)
    assert key is not None
    await keys.finish_ready_key(key.cka_id, _KEEPER, _MADE)
    return key


async def _key_counts(bank: Bank) -> list[int]:
    return [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()]


async def _add_second_token(bank: Bank) -> None:
    await SqlTokenRegistry(bank.database).register_token(
        TokenRecord(_SECOND, TokenPurpose.SUBSCRIBER, 5), event_of(EventKind.TOKEN_ADDED)
    )


async def test_two_fronts_never_take_the_same_key(
    bank: Bank, keys: SqlReadyKeyStore, second_front: Database
) -> None:
    """Of two processes that issue at the same time, over and over, each key goes to one; when all
    are gone, keys are made as before."""
    ready = {(await _make(keys)).cka_id for _ in range(8)}

    async def take(store: SqlIssuanceStore) -> list[IssuanceRecord]:
        return [(await store.begin_issuance(draft_of()))[0] for _ in range(6)]

    taken = await asyncio.gather(take(bank.issuances), take(SqlIssuanceStore(second_front)))
    records = [record for front in taken for record in front]
    ids = [record.key.cka_id for record in records if record.key is not None]
    assert len(set(ids)) == 12
    assert {record.key.cka_id for record in records if record.made_key and record.key} == ready
    assert sum(record.made_key is None for record in records) == 4
    assert await _key_counts(bank) == [12]


async def test_a_taken_key_is_the_certificates(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """The oldest one of the algorithm, with what was read back of it, keeping its room."""
    first = await _make(keys)
    bank.clock.advance(1)
    await _make(keys)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    assert (record.key, record.made_key, record.spki) == (first, _MADE, b"spki")
    assert (await bank.finish(record)).credential == first.cka_id.hex()
    assert await _key_counts(bank) == [2]


async def test_a_request_for_a_csr_takes_no_key(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """Nor does one for another algorithm."""
    await keys.finish_ready_key(await _reserve_rsa(keys), _KEEPER, _MADE)
    for draft in (draft_of(csr_spki=b"csr"), draft_of()):
        record, _ = await bank.issuances.begin_issuance(draft)
        assert record.made_key is None


async def _reserve_rsa(keys: SqlReadyKeyStore) -> bytes:
    key = await keys.reserve_ready_key(
        uuid.uuid4().bytes, KeyAlgorithm.RSA_2048_PKCS1_SHA256, _KEEPER, most=1, avoid=()
    )
    assert key is not None
    return key.cka_id


async def test_keys_of_a_token_that_is_away_are_not_handed_out(
    bank: Bank, keys: SqlReadyKeyStore
) -> None:
    """Nor do they count as ready while it is away."""
    await _add_second_token(bank)
    away = await _make(keys)
    record, _ = await bank.issuances.begin_issuance(draft_of(), avoid={POOL})
    assert record.made_key is None
    assert record.key is not None
    assert record.key.token == _SECOND
    await bank.finish(record)
    bank.clock.advance(1)
    assert await _reserve(keys, most=1) is None
    instead = await _reserve(keys, most=1, avoid=frozenset({POOL}))
    assert instead is not None
    assert instead.token == _SECOND
    record, _ = await bank.issuances.begin_issuance(draft_of())
    assert record.key == away


async def test_no_more_than_wanted_and_no_more_than_there_is_room(
    bank: Bank, keys: SqlReadyKeyStore
) -> None:
    """Keys in the making count; a full token takes none."""
    await _add_second_token(bank)
    assert await _reserve(keys, most=2) is not None
    await _make(keys)
    assert await _reserve(keys, most=2) is None
    assert await _key_counts(bank) == [2, 0]
    only_second = frozenset({POOL})
    made = [await _reserve(keys, most=100, avoid=only_second) for _ in range(6)]
    assert [key is not None for key in made] == [True] * 5 + [False]


async def test_nothing_is_made_while_an_issuance_is_at_work(
    bank: Bank, keys: SqlReadyKeyStore
) -> None:
    """Nor in the moment after it; one whose owner has died is not at work."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    assert await _reserve(keys) is None
    await bank.issuances.release_issuance(record.draft.issuance_id, OWNER)
    assert await _reserve(keys) is not None
    await bank.issue()
    assert await _reserve(keys) is None
    bank.clock.advance(1)
    assert await _reserve(keys) is not None


async def test_a_refused_issuance_retires_the_key(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """A ready key whose issuance comes to nothing awaits destruction like any other."""
    key = await _make(keys)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.refuse_issuance(
        record.draft.issuance_id, OWNER, reason="LINT_FAILED", message="", event=event_of()
    )
    (retired,) = await SqlHousekeeping(bank.database).list_retired_credentials(10)
    assert (retired.key, retired.spki) == (key, b"spki")


async def test_whoever_takes_over_keeps_the_key(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """It is complete: nobody can be making it still."""
    key = await _make(keys)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await SqlInstanceStore(bank.database).end_instance(OWNER)
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _KEEPER, fresh_cka_id=uuid.uuid4().bytes
    )
    assert taken is not None
    assert (taken.key, taken.made_key) == (key, _MADE)
    assert await SqlHousekeeping(bank.database).list_retired_credentials(10) == []


async def test_a_move_leaves_the_ready_key(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """Where a ready key has turned out to be lost, a new one is to be made in its place."""
    key = await _make(keys)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    fresh = uuid.uuid4().bytes
    moved = await bank.issuances.move_issuance(
        record.draft.issuance_id, OWNER, fresh_cka_id=fresh, avoid=()
    )
    assert moved is not None
    assert (moved.key, moved.made_key, moved.spki) == (KeyRef(POOL, fresh), None, None)
    (retired,) = await SqlHousekeeping(bank.database).list_retired_credentials(10)
    assert retired.key == key


@pytest.mark.parametrize("ends", ["dead", "given up"])
async def test_an_abandoned_key_is_destroyed_and_gives_its_room_back(
    bank: Bank, keys: SqlReadyKeyStore, ends: str
) -> None:
    """A maker that was taken for dead finds its name gone. What a host still comes to make is
    known to be dead."""
    key = await _reserve(keys)
    assert key is not None
    ready = await _make(keys)
    assert await keys.take_abandoned_keys(10) == []
    if ends == "dead":
        await SqlInstanceStore(bank.database).end_instance(_KEEPER)
    else:
        await keys.give_up_ready_key(key.cka_id, _KEEPER)
    assert await keys.take_abandoned_keys(10, avoid={POOL}) == []
    assert await keys.take_abandoned_keys(10) == [key]
    with pytest.raises(Interrupted):
        await keys.finish_ready_key(key.cka_id, _KEEPER, _MADE)
    for _ in range(2):
        await keys.mark_abandoned_destroyed(key.cka_id, event_of(EventKind.KEY_DESTROYED))
    assert await keys.take_abandoned_keys(10) == []
    assert await _key_counts(bank) == [1]
    both = [key.cka_id, ready.cka_id]
    assert await SqlHousekeeping(bank.database).find_dead_keys(POOL, both) == [key.cka_id]
    records, _ = await SqlAuditTrail(bank.database).list_records(
        AuditFilter(kind="key.destroyed"), Page(10)
    )
    assert len(records) == 1


async def test_a_ready_key_is_not_given_up(bank: Bank, keys: SqlReadyKeyStore) -> None:
    """Neither by its maker, who may not know that it is ready, nor with its maker's death."""
    key = await _make(keys)
    await keys.give_up_ready_key(key.cka_id, _KEEPER)
    await SqlInstanceStore(bank.database).end_instance(_KEEPER)
    assert await keys.take_abandoned_keys(10) == []
    record, _ = await bank.issuances.begin_issuance(draft_of())
    assert record.key == key
