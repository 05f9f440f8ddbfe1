"""On which token a new key is placed, when some are out of service."""

import uuid

import pytest

from signerd.audit.event import EventKind
from signerd.core.error import Interrupted
from signerd.core.lifecycle import IssuanceState, TokenPurpose
from signerd.core.record import TokenRecord
from signerd.core.value import InstanceId, KeyRef, TokenRef
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import OWNER, POOL, Bank, draft_of, event_of

_SECOND = TokenRef("pool-second", "0002")


async def _add_second(bank: Bank, capacity: int = 10) -> None:
    await SqlTokenRegistry(bank.database).register_token(
        TokenRecord(_SECOND, TokenPurpose.SUBSCRIBER, capacity), event_of(EventKind.TOKEN_ADDED)
    )


async def _counts(bank: Bank) -> dict[TokenRef, int]:
    listed = await SqlTokenRegistry(bank.database).list_tokens()
    return {token.token: token.key_count for token in listed}


async def test_a_token_to_be_avoided_gets_no_key_while_another_has_room(bank: Bank) -> None:
    """The next token in order takes it."""
    await _add_second(bank)
    record, _ = await bank.issuances.begin_issuance(draft_of(), avoid=[POOL])
    assert record.key is not None
    assert record.key.token == _SECOND


async def test_a_token_to_be_avoided_gets_the_key_when_no_other_has_room(bank: Bank) -> None:
    """It may be back by the time the key is made."""
    await _add_second(bank, capacity=1)
    await bank.issuances.begin_issuance(draft_of(), avoid=[POOL])
    record, _ = await bank.issuances.begin_issuance(draft_of(), avoid=[POOL])
    assert record.key is not None
    assert record.key.token == POOL


async def test_a_reserved_key_moves_to_another_token(bank: Bank) -> None:
    """Under another CKA_ID; the one given up awaits destruction, unless its token is avoided."""
    await _add_second(bank)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    fresh = uuid.uuid4().bytes
    moved = await bank.issuances.move_issuance(
        record.draft.issuance_id, OWNER, fresh_cka_id=fresh, avoid=[POOL]
    )
    assert moved is not None
    assert (moved.state, moved.owner) == (IssuanceState.RESERVED, OWNER)
    assert moved.key == KeyRef(_SECOND, fresh)
    assert await _counts(bank) == {POOL: 1, _SECOND: 1}
    housekeeping = SqlHousekeeping(bank.database)
    (retired,) = await housekeeping.list_retired_credentials(10)
    assert retired.key == record.key
    assert await housekeeping.list_retired_credentials(10, avoid=[POOL]) == []
    assert await housekeeping.list_retired_credentials(10, avoid=[_SECOND]) == [retired]


async def test_a_reserved_key_stays_when_no_other_token_has_room(bank: Bank) -> None:
    """Nothing changes."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    issuance_id = record.draft.issuance_id
    moved = await bank.issuances.move_issuance(
        issuance_id, OWNER, fresh_cka_id=uuid.uuid4().bytes, avoid=[POOL]
    )
    assert moved is None
    assert await bank.issuances.get_issuance(issuance_id) == record
    assert await SqlHousekeeping(bank.database).list_retired_credentials(10) == []


async def test_only_the_owner_moves_a_key(bank: Bank) -> None:
    """A process that was taken for dead must not reserve a second key."""
    await _add_second(bank)
    record, _ = await bank.issuances.begin_issuance(draft_of())
    with pytest.raises(Interrupted):
        await bank.issuances.move_issuance(
            record.draft.issuance_id,
            InstanceId("other"),
            fresh_cka_id=uuid.uuid4().bytes,
            avoid=[POOL],
        )
    assert await _counts(bank) == {POOL: 1, _SECOND: 0}
