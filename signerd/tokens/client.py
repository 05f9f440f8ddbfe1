"""The fronts' way to the tokens: asynchronous, bounded, over every token host."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from signerd.core.algorithm import KeyAlgorithm, spec_of
from signerd.core.error import (
    DeadlineExceeded,
    SignerdError,
    TokenRefused,
    TokenUnavailable,
)
from signerd.core.record import GeneratedKey, HostHealth, TokenKey
from signerd.core.signing import Lane, SignTask
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.dispatch import Dispatch
from signerd.tokens.frame import (
    Answer,
    CreateTokenRequest,
    Destroyed,
    DestroyRequest,
    Generated,
    GenerateRequest,
    Health,
    HealthRequest,
    Listed,
    ListRequest,
    MacMade,
    MacRequest,
    Request,
    Sealed,
    SealRequest,
    Signed,
    SignedMany,
    SignRequest,
    TokenCreated,
    Unsealed,
    UnsealRequest,
)
from signerd.tokens.host_link import HostLink
from signerd.tokens.part import Part, sign_weight, split
from signerd.tokens.work import HEAVY_WEIGHT, SIGN_WEIGHT, Work

_A = TypeVar("_A", bound=Answer)
_ED25519_PROBE: Final = b"signerd probe"


class TokenClient:
    """Requests to token hosts; deadlines are seconds of time.monotonic().

    A key's requests go to one and the same host as long as that is not much busier than another,
    because that host holds the key's handle. At most `window` requests are in flight to a host,
    and a few of the batch lane; in each lane queue_limit signatures wait here, and one more is
    refused at once. Work that nobody waits for any more is not sent. When a host goes away, another
    does its work, and so it does when a host has not got the token open.

    Methods raise LimitExceeded (QUEUE_FULL), DeadlineExceeded, TokenUnavailable, TokenRefused.
    """

    def __init__(self, sockets: Mapping[str, Path], *, queue_limit: int, window: int = 32) -> None:
        """sockets: path of each host's socket by the host's name."""
        self._hosts = Dispatch(sockets, queue_limit=queue_limit, window=window)

    async def start(self) -> None:
        """Begin to connect to the hosts; does not wait for them."""
        await self._hosts.start()

    async def close(self) -> None:
        """Disconnect. Requests still open fail with TokenUnavailable."""
        await self._hosts.close()

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """Sign a digest (Ed25519: the message). ECDSA signatures are DER."""
        work = self._work(
            lambda number: SignRequest(number, deadline, key, algorithm, message),
            key.cka_id,
            sign_weight(algorithm),
            deadline,
        )
        work.may_repeat = True
        return (await self._hosts.do(work, Signed)).signature

    async def sign_many(
        self, tasks: Sequence[SignTask], *, deadline: float, lane: Lane
    ) -> list[bytes | SignerdError]:
        """Sign all of them; for each, in their order, the signature or why there is none.

        Raises LimitExceeded alone, and then none was signed.
        """
        self._hosts.require_room(lane)
        parts = split(tasks, sum(link.is_connected for link in self._hosts.links))
        works = [self._part_work(part, deadline, lane) for part in parts]
        for work in works:
            self._hosts.place(work)
        try:
            results: list[bytes | SignerdError] = []
            for part, work in zip(parts, works, strict=True):
                results += await self._results(part, work)
            return results
        finally:
            for work in works:
                work.answer.cancel()
                self._hosts.withdraw(work)

    def _part_work(self, part: Part, deadline: float, lane: Lane) -> Work:
        affinity = part.tasks[0].key.cka_id
        work = self._work(part.request(deadline, lane), affinity, part.weight, deadline)
        work.lane = lane
        work.size = len(part.tasks)
        return work

    async def _results(self, part: Part, work: Work) -> Sequence[bytes | SignerdError]:
        try:
            answer = await self._hosts.answer(work, SignedMany)
            results = part.results(answer)
        except SignerdError as error:
            return [error] * len(part.tasks)
        refused_by = self._hosts.refused_by(work) if answer.failures else None
        failed = [one.place for one in answer.failures]
        refused = [place for place in failed if isinstance(results[place], TokenUnavailable)]
        if not refused or refused_by is None:
            return results
        rest = part.of(refused)
        moved = self._part_work(rest, work.deadline, work.lane)
        moved.refused_by = refused_by
        self._hosts.place(moved)
        try:
            for place, result in zip(refused, await self._results(rest, moved), strict=True):
                results[place] = result
        finally:
            self._hosts.withdraw(moved)
        return results

    async def seal(
        self, key: KeyRef, plaintext: bytes, associated: bytes, *, deadline: float
    ) -> bytes:
        """Encrypt with a secret key. associated: see SecretKeys.seal."""
        return (
            await self._use(
                lambda number: SealRequest(number, deadline, key, plaintext, associated),
                key,
                deadline,
                Sealed,
            )
        ).sealed

    async def unseal(
        self, key: KeyRef, sealed: bytes, associated: bytes, *, deadline: float
    ) -> bytes:
        """What was sealed with the same associated data. Raises Internal (SEAL_BROKEN)."""
        return (
            await self._use(
                lambda number: UnsealRequest(number, deadline, key, sealed, associated),
                key,
                deadline,
                Unsealed,
            )
        ).plaintext

    async def mac(self, key: KeyRef, data: bytes, *, deadline: float) -> bytes:
        """HMAC-SHA-256 with a secret key, 32 bytes."""
        return (
            await self._use(
                lambda number: MacRequest(number, deadline, key, data), key, deadline, MacMade
            )
        ).mac

    async def probe(self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float) -> None:
        """A signature that nobody uses: the only health check that proves anything."""
        hash_ = spec_of(algorithm).hash
        message = _ED25519_PROBE if hash_ is None else bytes(hash_.digest_size)
        await self.sign(key, algorithm, message, deadline=deadline)

    async def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float, is_repeat: bool = True
    ) -> GeneratedKey:
        """Make a key pair. is_repeat: see TokenSession.generate_key.

        Raises TokenUnavailable (HOST_LOST) when a host went away that had the request: it may
        have made the key, another host may not see that yet (see TokenSet.sign) and would make a
        second one under the same CKA_ID.
        """
        work = self._work(
            lambda number: GenerateRequest(number, deadline, key, algorithm, is_repeat),
            key.cka_id,
            HEAVY_WEIGHT,
            deadline,
        )
        work.most_drops = 0
        return (await self._hosts.do(work, Generated)).key

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        """Destroy every object with this CKA_ID; returns how many there were. was_made: see
        TokenSet.destroy_key."""
        work = self._work(
            lambda number: DestroyRequest(number, deadline, key, was_made),
            key.cka_id,
            HEAVY_WEIGHT,
            deadline,
        )
        work.may_repeat = True
        return (await self._hosts.do(work, Destroyed)).count

    async def list_keys(self, token: TokenRef, *, deadline: float) -> list[TokenKey]:
        """Every private key on a token."""
        work = self._work(
            lambda number: ListRequest(number, deadline, token),
            token.serial.encode(),
            HEAVY_WEIGHT,
            deadline,
        )
        work.may_repeat = True
        return (await self._hosts.do(work, Listed)).keys

    async def create_token(self, label: str, *, deadline: float) -> TokenRef:
        """Add a token to the pool; a token of this label that is there already is returned.

        One host makes it, then each opens it: a host would otherwise come to know it at the first
        use, and not while it may not reload because another token is missing.
        """

        def work() -> Work:
            return self._work(
                lambda number: CreateTokenRequest(number, deadline, label),
                label.encode(),
                HEAVY_WEIGHT,
                deadline,
            )

        made = await self._hosts.do(work(), TokenCreated)
        for link in self._hosts.links:
            if link.is_connected:
                with contextlib.suppress(TokenUnavailable, TokenRefused, DeadlineExceeded):
                    await self._hosts.ask_only(link, work(), TokenCreated)
        return made.token

    async def health(self, *, deadline: float) -> tuple[HostHealth, ...]:
        """What each host says of its tokens; a host that does not answer is reported without."""
        asked = (self._health_of(link, deadline) for link in self._hosts.links)
        return tuple(await asyncio.gather(*asked))

    async def available_tokens(self, *, deadline: float) -> frozenset[TokenRef]:
        """The tokens that at least one host has open."""
        return frozenset(
            token.token
            for host in await self.health(deadline=deadline)
            for token in host.tokens
            if not token.problem
        )

    async def _health_of(self, link: HostLink, deadline: float) -> HostHealth:
        outstanding = link.outstanding
        if not link.is_connected:
            return HostHealth(link.name, connected=False, process_id=0, outstanding=outstanding)
        work = self._work(
            lambda number: HealthRequest(number, deadline), b"", SIGN_WEIGHT, deadline
        )
        try:
            answer = await self._hosts.ask_only(link, work, Health)
        except (TokenUnavailable, DeadlineExceeded):
            return HostHealth(link.name, link.is_connected, link.process_id, outstanding)
        return HostHealth(
            link.name,
            connected=link.is_connected,
            process_id=answer.process_id,
            outstanding=outstanding,
            tokens=tuple(answer.tokens),
            busy_s=answer.busy_s,
        )

    def _work(
        self, build: Callable[[int], Request], affinity: bytes, weight: int, deadline: float
    ) -> Work:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        return Work(build, affinity, weight, deadline, future)

    def _use(
        self, build: Callable[[int], Request], key: KeyRef, deadline: float, kind: type[_A]
    ) -> Awaitable[_A]:
        work = self._work(build, key.cka_id, SIGN_WEIGHT, deadline)
        work.may_repeat = True
        return self._hosts.do(work, kind)
