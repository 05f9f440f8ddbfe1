"""Login challenges as the store keeps them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.error import NotFound
from signerd.core.login import ChallengeRecord, ChallengeUse
from signerd.core.value import CertificateId, SubscriberId
from signerd.store.login import SqlChallengeStore
from tests.store.scenario import START, Bank, event_of

MADE = ChallengeRecord(
    b"\x01" * 32, "dns:shop", START, SubscriberId("hong"), CertificateId("4f"), failures=0
)
USE = ChallengeUse("request", b"\x02" * 32, START)


async def test_a_challenge_is_used_by_one_of_many(bank: Bank) -> None:
    """What each sees before it judges is what the one before left: one uses it, and its event alone
    is on record."""
    store = SqlChallengeStore(bank.database)
    await store.add_challenge(MADE)

    def judge(found: ChallengeRecord) -> tuple[ChallengeRecord, AuditEvent | None]:
        if found.use is not None:
            return found, None
        return replace(found, use=USE), event_of(EventKind.LOGIN_VERIFIED, "certificates/4f")

    before = await asyncio.gather(
        *(store.settle_challenge(MADE.statement_sha256, judge) for _ in range(5))
    )
    assert before.count(MADE) == 1
    assert before.count(replace(MADE, use=USE)) == 4
    assert await store.find_challenge(MADE.statement_sha256) == replace(MADE, use=USE)


async def test_challenges_are_forgotten_after_their_end(bank: Bank) -> None:
    """Those that ended before a moment are gone, others stay; what is gone cannot be settled."""
    store = SqlChallengeStore(bank.database)
    late = replace(MADE, statement_sha256=b"\x03" * 32, expires_utc=START + timedelta(seconds=1))
    for one in (MADE, late):
        await store.add_challenge(one)
    assert await store.forget_challenges(START + timedelta(seconds=1)) == 1
    assert await store.find_challenge(MADE.statement_sha256) is None
    assert await store.find_challenge(late.statement_sha256) == late
    with pytest.raises(NotFound):
        await store.settle_challenge(MADE.statement_sha256, lambda found: (found, None))
