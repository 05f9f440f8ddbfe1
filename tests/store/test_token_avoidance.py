import uuid
from dataclasses import replace

import pytest

from signerd.audit.event import EventKind
from signerd.core.error import Interrupted
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import TokenRecord
from signerd.core.value import InstanceId, TokenRef
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import OWNER, POOL, Bank, credential_in, draft_of, event_of

_SECOND = TokenRef("pool-2", "0002")


@pytest.fixture
async def two_tokens(bank: Bank) -> Bank:
    """The bank with a second token that takes one key."""
    await SqlTokenRegistry(bank.database).register_token(
        TokenRecord(_SECOND, TokenPurpose.SUBSCRIBER, 1), event_of(EventKind.TOKEN_ADDED)
    )
    return bank


async def _key_counts(bank: Bank) -> list[int]:
    return [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()]


async def test_new_keys_avoid_a_token_while_another_has_room(two_tokens: Bank) -> None:
    """A token to be avoided gets a key only when every other one is full."""
    places = []
    for _ in range(2):
        record, _ = await two_tokens.issuances.begin_issuance(draft_of(), avoid={POOL})
        places.append(None if record.key is None else record.key.token)
    assert places == [_SECOND, POOL]


async def test_reserved_key_moves_to_another_token(two_tokens: Bank) -> None:
    """A reserved key moves under a new CKA_ID; the old one awaits destruction where it was."""
    record, _ = await two_tokens.issuances.begin_issuance(draft_of())
    fresh = uuid.uuid4().bytes
    moved = await two_tokens.issuances.move_issuance(
        record.draft.issuance_id, OWNER, fresh_cka_id=fresh, avoid={POOL}
    )
    assert moved is not None
    assert moved.key is not None
    assert (moved.key.token, moved.key.cka_id) == (_SECOND, fresh)
    assert await _key_counts(two_tokens) == [1, 1]
    retired = await SqlHousekeeping(two_tokens.database).list_retired_credentials(10)
    assert [one.key for one in retired] == [record.key]
    assert (await two_tokens.finish(moved)).credential == fresh.hex()


async def test_reserved_key_stays_when_nothing_else_has_room(two_tokens: Bank) -> None:
    """With no other token left nothing is changed."""
    record, _ = await two_tokens.issuances.begin_issuance(draft_of())
    moved = await two_tokens.issuances.move_issuance(
        record.draft.issuance_id, OWNER, fresh_cka_id=uuid.uuid4().bytes, avoid={POOL, _SECOND}
    )
    assert moved is None
    assert await two_tokens.issuances.get_issuance(record.draft.issuance_id) == record
    assert await _key_counts(two_tokens) == [1, 0]


async def test_only_the_owner_moves_a_reserved_key(two_tokens: Bank) -> None:
    """A process that lost an issuance moves nothing, and neither does one with an intent."""
    record, _ = await two_tokens.issuances.begin_issuance(draft_of())
    with pytest.raises(Interrupted):
        await two_tokens.issuances.move_issuance(
            record.draft.issuance_id,
            InstanceId("other"),
            fresh_cka_id=uuid.uuid4().bytes,
            avoid={POOL},
        )
    assert await _key_counts(two_tokens) == [1, 0]
    await two_tokens.finish(record)
    with pytest.raises(Interrupted):
        await two_tokens.issuances.move_issuance(
            record.draft.issuance_id, OWNER, fresh_cka_id=uuid.uuid4().bytes, avoid={POOL}
        )


async def test_retired_keys_of_avoided_tokens_are_left_out(two_tokens: Bank) -> None:
    """Keys on a token that is away do not stand in the way of those that can be destroyed."""
    away, there = (
        await two_tokens.issue(),
        await two_tokens.finish(
            (await two_tokens.issuances.begin_issuance(draft_of(), avoid={POOL}))[0]
        ),
    )
    for certificate in (away, there):
        await two_tokens.revoke(certificate.certificate_id)
    housekeeping = SqlHousekeeping(two_tokens.database)
    listed = await housekeeping.list_retired_credentials(1, avoid={POOL})
    assert [one.credential_id for one in listed] == [credential_in(there)]
    other = replace(POOL, serial="another")
    listed = await housekeeping.list_retired_credentials(1, avoid={other})
    assert [one.credential_id for one in listed] == [credential_in(away)]
