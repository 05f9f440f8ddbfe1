"""When keys are made ahead, and when a ready key is believed to be there."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest

from signerd.audit.event import AuditEvent
from signerd.ca.key_pool import KeyPool
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import TokenUnavailable
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import GeneratedKey, HostHealth, TokenHealth, TokenRecord
from signerd.core.value import InstanceId, KeyRef, TokenRef

_POOL = TokenRef("pool-1", "0001")
_AWAY = TokenRef("pool-2", "0002")
_ALGORITHM = KeyAlgorithm.EC_P256_SHA256
_MADE = GeneratedKey(b"spki", local=True, always_sensitive=True, never_extractable=True)


@dataclass
class ScriptedBank:
    """Store, registry, tokens and hosts, as far as the pool asks them; the time is the test's."""

    time: float = 0.0
    busy_s: float = 0.0
    process_id: int = 1
    fails: bool = False
    ready: list[KeyRef] = field(default_factory=list)
    given_up: list[bytes] = field(default_factory=list)
    avoided: frozenset[TokenRef] = frozenset()

    async def reserve_ready_key(
        self,
        cka_id: bytes,
        algorithm: KeyAlgorithm,
        owner: InstanceId,
        *,
        most: int,
        avoid: Collection[TokenRef],
    ) -> KeyRef | None:
        assert (algorithm, owner) == (_ALGORITHM, "keeper")
        self.avoided = frozenset(avoid)
        return KeyRef(_POOL, cka_id) if len(self.ready) < most else None

    async def finish_ready_key(self, cka_id: bytes, owner: InstanceId, made: GeneratedKey) -> None:
        assert (owner, made) == ("keeper", _MADE)
        self.ready.append(KeyRef(_POOL, cka_id))

    async def give_up_ready_key(self, cka_id: bytes, owner: InstanceId) -> None:
        assert owner == "keeper"
        self.given_up.append(cka_id)

    async def take_abandoned_keys(
        self, limit: int, *, avoid: Collection[TokenRef] = ()
    ) -> Sequence[KeyRef]:
        raise NotImplementedError

    async def mark_abandoned_destroyed(self, cka_id: bytes, event: AuditEvent) -> None:
        raise NotImplementedError

    async def list_tokens(self) -> list[TokenRecord]:
        return [TokenRecord(it, TokenPurpose.SUBSCRIBER, 10) for it in (_POOL, _AWAY)]

    async def register_token(self, token: TokenRecord, event: AuditEvent) -> None:
        raise NotImplementedError

    async def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float, is_repeat: bool
    ) -> GeneratedKey:
        assert (key.token, algorithm, is_repeat) == (_POOL, _ALGORITHM, False)
        assert deadline > self.time
        if self.fails:
            raise TokenUnavailable("gone")
        self.time += 0.1
        self.busy_s += 0.1
        return _MADE

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        raise NotImplementedError

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        raise NotImplementedError

    async def health(self, *, deadline: float) -> tuple[HostHealth, ...]:
        assert deadline > self.time
        pool = TokenHealth(_POOL, TokenPurpose.SUBSCRIBER, "")
        away = TokenHealth(_AWAY, TokenPurpose.SUBSCRIBER, "not there")
        return (
            HostHealth(
                "host-0",
                connected=True,
                process_id=self.process_id,
                outstanding=0,
                tokens=(pool, away),
                busy_s=self.busy_s,
            ),
            HostHealth("host-1", connected=False, process_id=0, outstanding=0),
        )

    def pool(self, count: int) -> KeyPool:
        numbers = itertools.count()
        return KeyPool(
            {_ALGORITHM: count},
            store=self,
            registry=self,
            tokens=self,
            hosts=self,
            owner=InstanceId("keeper"),
            monotonic=lambda: self.time,
            random=lambda size: next(numbers).to_bytes(size, "big"),
        )

    async def round(self, pool: KeyPool, *, busy_s: float = 0.0) -> int:
        """A round a second after the one before, in which a host was at work for so long."""
        self.time += 1.0
        self.busy_s += busy_s
        return await pool.fill()


@pytest.fixture
def bank() -> ScriptedBank:
    return ScriptedBank()


async def test_keys_are_made_while_the_hosts_are_idle(bank: ScriptedBank) -> None:
    """Not before it is known, not while a host is at work, not more than eight at once, and no
    more than wanted; its own work does not keep the pool from going on."""
    pool = bank.pool(12)
    assert await bank.round(pool) == 0
    assert await bank.round(pool, busy_s=0.5) == 0
    assert await bank.round(pool, busy_s=0.05) == 8
    assert await bank.round(pool) == 4
    assert await bank.round(pool) == 0
    assert len(bank.ready) == 12


async def test_a_new_host_is_not_taken_for_idle(bank: ScriptedBank) -> None:
    """What it did before it was asked for the first time is not known."""
    pool = bank.pool(1)
    await bank.round(pool)
    bank.process_id = 2
    assert await bank.round(pool) == 0
    assert await bank.round(pool) == 1


async def test_tokens_that_are_away_are_avoided(bank: ScriptedBank) -> None:
    """Keys are made where a host has the token open."""
    pool = bank.pool(1)
    await bank.round(pool)
    await bank.round(pool)
    assert bank.avoided == {_AWAY}


async def test_a_key_that_failed_is_given_up(bank: ScriptedBank) -> None:
    """At the next round, whatever it was that failed; then another one is made."""
    pool = bank.pool(1)
    await bank.round(pool)
    bank.fails = True
    with pytest.raises(TokenUnavailable):
        await bank.round(pool)
    bank.fails = False
    assert await bank.round(pool) == 1
    assert bank.given_up == [bytes(16)]
    assert [key.cka_id for key in bank.ready] == [(1).to_bytes(16, "big")]
    await bank.round(pool)
    assert len(bank.given_up) == 1


async def test_without_a_wish_nobody_is_asked(bank: ScriptedBank) -> None:
    """The pool is off by default."""
    pool = bank.pool(0)
    for _ in range(3):
        assert await bank.round(pool) == 0
    assert bank.ready == []
