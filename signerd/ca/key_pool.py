"""Key pairs made ahead in idle time, so that an issuance need not wait for its own."""

from collections.abc import Callable, Mapping
from typing import Final

from signerd.ca.keeper_ports import ReadyKeyStore, TokenHosts, TokenRegistry
from signerd.ca.ports import KeyTokens
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.fault import FaultPoint, reach
from signerd.core.record import HostHealth
from signerd.core.value import InstanceId, TokenRef

_CALL_S: Final = 90.0
_MOST_AT_ONCE: Final = 8
# Of the time since they were asked before: what hosts may have been at work and still count as
# idle. Fronts let them sign all the time to see that they can.
_IDLE_SHARE: Final = 0.2


class KeyPool:
    """Fills the pool. wanted: how many keys are to lie ready, by algorithm."""

    def __init__(
        self,
        wanted: Mapping[KeyAlgorithm, int],
        *,
        store: ReadyKeyStore,
        registry: TokenRegistry,
        tokens: KeyTokens,
        hosts: TokenHosts,
        owner: InstanceId,
        monotonic: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """monotonic: seconds. random: bytes from a secure source."""
        self._wanted = {algorithm: count for algorithm, count in wanted.items() if count}
        self._store = store
        self._registry = registry
        self._tokens = tokens
        self._hosts = hosts
        self._owner = owner
        self._monotonic = monotonic
        self._random = random
        self._making: bytes | None = None
        self._asked_at = self._monotonic()
        self._busy_s: dict[int, float] = {}

    async def fill(self) -> int:
        """Make some of the keys that are missing, one at a time, while the hosts have nothing else
        to do; returns how many. Raises StoreUnavailable and what KeyTokens.generate_key does: the
        next call begins with giving up what this one left.
        """
        await self._give_up()
        if not self._wanted:
            return 0
        hosts = await self._hosts.health(deadline=self._monotonic() + _CALL_S)
        if not self._note_idle(hosts):
            return 0
        absent = await self._absent(hosts)
        made = 0
        for algorithm, most in self._wanted.items():
            while made < _MOST_AT_ONCE and await self._make(algorithm, most, absent):
                made += 1
        if made:
            # So that the next round does not take this one's work for somebody else's.
            self._note_idle(await self._hosts.health(deadline=self._monotonic() + _CALL_S))
        return made

    async def _make(self, algorithm: KeyAlgorithm, most: int, absent: frozenset[TokenRef]) -> bool:
        cka_id = self._random(16)
        self._making = cka_id
        key = await self._store.reserve_ready_key(
            cka_id, algorithm, self._owner, most=most, avoid=absent
        )
        if key is not None:
            reach(FaultPoint.KEEPER_READY_KEY_RESERVED)
            made = await self._tokens.generate_key(
                key, algorithm, deadline=self._monotonic() + _CALL_S, is_repeat=False
            )
            reach(FaultPoint.KEEPER_READY_KEY_GENERATED)
            await self._store.finish_ready_key(cka_id, self._owner, made)
            reach(FaultPoint.KEEPER_READY_KEY_STORED)
        self._making = None
        return key is not None

    async def _give_up(self) -> None:
        """Whatever kept a key from being finished: it may exist, and nobody will use it."""
        if self._making is not None:
            await self._store.give_up_ready_key(self._making, self._owner)
            self._making = None

    async def _absent(self, hosts: tuple[HostHealth, ...]) -> frozenset[TokenRef]:
        there = {it.token for host in hosts for it in host.tokens if not it.problem}
        return frozenset(it.token for it in await self._registry.list_tokens()) - there

    def _note_idle(self, hosts: tuple[HostHealth, ...]) -> bool:
        """Whether no host had much to do since the last time; False for one that is new."""
        now, before = self._monotonic(), self._busy_s
        allowed_s = _IDLE_SHARE * (now - self._asked_at)
        self._asked_at = now
        self._busy_s = {it.process_id: it.busy_s for it in hosts if it.connected}
        return bool(self._busy_s) and all(
            process in before and busy_s - before[process] < allowed_s
            for process, busy_s in self._busy_s.items()
        )
