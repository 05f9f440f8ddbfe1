"""The fronts' way to the tokens: asynchronous, bounded, over every token host."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import structlog

from signerd.core.algorithm import KeyAlgorithm, spec_of
from signerd.core.error import (
    HOST_LOST,
    DeadlineExceeded,
    Internal,
    LimitExceeded,
    SignerdError,
    TokenRefused,
    TokenUnavailable,
)
from signerd.core.record import GeneratedKey, HostHealth, TokenKey
from signerd.core.signing import Lane, SignTask
from signerd.core.value import KeyRef, TokenRef
from signerd.observability.event import LogEvent
from signerd.tokens.frame import (
    Answer,
    CreateTokenRequest,
    Destroyed,
    DestroyRequest,
    Failed,
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
    error_of,
)
from signerd.tokens.host_link import HostLink
from signerd.tokens.part import Part, sign_weight, split
from signerd.tokens.work import HEAVY_WEIGHT, SIGN_WEIGHT, Work, WorkQueue

_LOG: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()
_A = TypeVar("_A", bound=Answer)
_QUEUE_RETRY_S: Final = 0.5
_RANKINGS_MOST: Final = 20_000
_LATE: Final = "the token did not answer before the deadline; try again"
_ED25519_PROBE: Final = b"signerd probe"


class TokenClient:
    """Requests to token hosts; deadlines are seconds of time.monotonic().

    A key's requests go to one and the same host as long as that is not much busier than another,
    because that host holds the key's handle. At most `window` requests are in flight to a host,
    and a few of the batch lane; in each lane queue_limit signatures wait here, and one more is
    refused at once. Work that nobody waits for any more is not sent. When a host goes away,
    another does its work, and so it does where a token does not answer a host.

    Methods raise LimitExceeded (QUEUE_FULL), DeadlineExceeded, TokenUnavailable, TokenRefused.
    """

    def __init__(self, sockets: Mapping[str, Path], *, queue_limit: int, window: int = 32) -> None:
        """sockets: path of each host's socket by the host's name."""
        self._sockets = dict(sockets)
        self._queue_limit = queue_limit
        self._window = window
        self._links: list[HostLink] = []
        self._rankings: dict[bytes, list[HostLink]] = {}
        self._homeless = WorkQueue()
        self._waiting = dict.fromkeys(Lane, 0)

    async def start(self) -> None:
        """Begin to connect to the hosts; does not wait for them."""
        self._links = [
            HostLink(name, path, window=self._window, on_room=self._fill, on_drop=self._place_again)
            for name, path in self._sockets.items()
        ]
        for link in self._links:
            link.start()

    async def close(self) -> None:
        """Disconnect. Requests still open fail with TokenUnavailable."""
        links, self._links = self._links, []
        self._rankings.clear()
        for link in links:
            await link.close()
        for work in self._homeless.take_all():
            self._fail(work, "the daemon is stopping; try again")

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
        work.may_move = True
        return (await self._done(work, Signed)).signature

    async def sign_many(
        self, tasks: Sequence[SignTask], *, deadline: float, lane: Lane
    ) -> list[bytes | SignerdError]:
        """Sign all of them; for each, in their order, the signature or why there is none.

        Raises LimitExceeded alone, and then none was signed.
        """
        self._require_room(lane)
        parts = split(tasks, sum(link.is_connected for link in self._links))
        works = [self._part_work(part, deadline, lane) for part in parts]
        for work in works:
            self._place(work)
        try:
            results: list[bytes | SignerdError] = []
            for part, work in zip(parts, works, strict=True):
                results += await self._results(part, work)
            return results
        finally:
            for work in works:
                work.answer.cancel()
                self._withdraw(work)

    def _part_work(self, part: Part, deadline: float, lane: Lane) -> Work:
        affinity = part.tasks[0].key.cka_id
        work = self._work(part.request(deadline, lane), affinity, part.weight, deadline)
        work.lane = lane
        work.size = len(part.tasks)
        return work

    async def _results(self, part: Part, work: Work) -> Sequence[bytes | SignerdError]:
        try:
            results = part.results(await self._answer(work, SignedMany))
        except SignerdError as error:
            return [error] * len(part.tasks)
        refused = [
            place for place, result in enumerate(results) if isinstance(result, TokenUnavailable)
        ]
        if refused and (refused_by := self._refused_by(work)):
            rest = part.of(refused)
            moved = self._part_work(rest, work.deadline, work.lane)
            moved.refused_by = refused_by
            self._place(moved)
            try:
                for place, result in zip(refused, await self._results(rest, moved), strict=True):
                    results[place] = result
            finally:
                self._withdraw(moved)
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
        return (await self._done(work, Generated)).key

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        """Destroy every object with this CKA_ID; returns how many there were. was_made: see
        TokenSet.destroy_key."""
        work = self._work(
            lambda number: DestroyRequest(number, deadline, key, was_made),
            key.cka_id,
            HEAVY_WEIGHT,
            deadline,
        )
        work.may_move = True
        return (await self._done(work, Destroyed)).count

    async def list_keys(self, token: TokenRef, *, deadline: float) -> list[TokenKey]:
        """Every private key on a token."""
        work = self._work(
            lambda number: ListRequest(number, deadline, token),
            token.serial.encode(),
            HEAVY_WEIGHT,
            deadline,
        )
        work.may_move = True
        return (await self._done(work, Listed)).keys

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

        made = await self._done(work(), TokenCreated)
        for link in self._links:
            if link.is_connected:
                with contextlib.suppress(TokenUnavailable, TokenRefused, DeadlineExceeded):
                    await self._ask_only(link, work(), TokenCreated)
        return made.token

    async def health(self, *, deadline: float) -> tuple[HostHealth, ...]:
        """What each host says of its tokens; a host that does not answer is reported without."""
        return tuple(await asyncio.gather(*(self._health_of(it, deadline) for it in self._links)))

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
            answer = await self._ask_only(link, work, Health)
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

    async def _ask_only(self, link: HostLink, work: Work, kind: type[_A]) -> _A:
        """Ask a connected host what is for it alone."""
        work.most_drops = 0
        link.send(work)
        return await self._answer(work, kind)

    def _work(
        self, build: Callable[[int], Request], affinity: bytes, weight: int, deadline: float
    ) -> Work:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        return Work(build, affinity, weight, deadline, future)

    def _use(
        self, build: Callable[[int], Request], key: KeyRef, deadline: float, kind: type[_A]
    ) -> Awaitable[_A]:
        work = self._work(build, key.cka_id, SIGN_WEIGHT, deadline)
        work.may_move = True
        return self._done(work, kind)

    async def _done(self, work: Work, kind: type[_A]) -> _A:
        if work.deadline <= time.monotonic():
            raise DeadlineExceeded(_LATE)
        if not self._sent(work):
            self._require_room(work.lane)
            self._enqueue(work)
        return await self._answer(work, kind)

    def _require_room(self, lane: Lane) -> None:
        if self._waiting[lane] >= self._queue_limit:
            raise LimitExceeded(
                f"{self._queue_limit} requests wait for the token already; try again later",
                reason="QUEUE_FULL",
                retry_after_s=_QUEUE_RETRY_S,
            )

    def _place(self, work: Work) -> None:
        if not self._sent(work):
            self._enqueue(work)

    def _sent(self, work: Work) -> bool:
        link = self._choose(work)
        if link is None or not link.has_room(work.lane) or link.waiting.count(work.lane):
            return False
        link.send(work)
        return True

    def _enqueue(self, work: Work) -> None:
        link = self._choose(work)
        (self._homeless if link is None else link.waiting).put(work)
        self._waiting[work.lane] += work.size

    async def _answer(self, work: Work, kind: type[_A]) -> _A:
        timer = work.answer.get_loop().call_at(work.deadline, self._expire, work)
        try:
            answer = await work.answer
            while isinstance(answer, Failed) and self._moved(work, error_of(answer)):
                answer = await work.answer
        finally:
            timer.cancel()
            self._withdraw(work)
        if isinstance(answer, kind):
            return answer
        if isinstance(answer, Failed):
            raise error_of(answer)
        raise Internal(f"a token host answered with {type(answer).__name__}")

    def _moved(self, work: Work, error: SignerdError) -> bool:
        """Whether another host was given what this one could not do."""
        if not work.may_move or not isinstance(error, TokenUnavailable):
            return False
        refused_by = self._refused_by(work)
        if refused_by is None:
            return False
        work.refused_by = refused_by
        work.answer = work.answer.get_loop().create_future()
        self._place(work)
        return True

    def _refused_by(self, work: Work) -> frozenset[str] | None:
        """The hosts that could not do it by now; None when there is no other."""
        hosts = work.refused_by | {work.host}
        is_left = any(link.is_connected and link.name not in hosts for link in self._links)
        return hosts if is_left else None

    def _withdraw(self, work: Work) -> None:
        """Work that still waits is never sent once its caller has gone."""
        if work.queue is not None:
            work.queue.discard(work)
            self._waiting[work.lane] -= work.size

    def _expire(self, work: Work) -> None:
        if work.answer.done():
            return
        if not work.was_sent and not any(link.is_connected for link in self._links):
            self._fail(work, "no token host is there; see `signerd doctor` and the daemon's log")
            return
        work.answer.set_exception(DeadlineExceeded(_LATE))

    def _fail(self, work: Work, message: str, reason: str | None = None) -> None:
        if not work.answer.done():
            work.answer.set_exception(TokenUnavailable(message, reason=reason, retry_after_s=1.0))

    def _choose(self, work: Work) -> HostLink | None:
        """The first host in the key's ranking, or a connected one with much less to do."""
        ranking = self._rankings.get(work.affinity)
        if ranking is None:
            if len(self._rankings) >= _RANKINGS_MOST:
                self._rankings.clear()
            ranking = sorted(self._links, key=lambda it: it.rank(work.affinity), reverse=True)
            self._rankings[work.affinity] = ranking
        # A signature leaves a host that makes a key; a second key waits for the first.
        spill = HEAVY_WEIGHT if work.weight < HEAVY_WEIGHT else 2 * HEAVY_WEIGHT
        best: HostLink | None = None
        best_load = 0
        for link in ranking:
            if not link.is_connected or link.name in work.refused_by:
                continue
            load = link.load
            if best is None or load + spill <= best_load:
                best, best_load = link, load
        return best

    def _fill(self, link: HostLink) -> None:
        """Give a host what waits for it, then what waits for none, then what others can't do
        soon."""
        for lane in Lane:
            while link.has_room(lane):
                source = self._source(link, lane)
                if source is None:
                    break
                work = source.take(lane)
                self._waiting[lane] -= work.size
                if not work.answer.done() and time.monotonic() < work.deadline:
                    link.send(work)

    def _source(self, link: HostLink, lane: Lane) -> WorkQueue | None:
        for queue in (link.waiting, self._homeless):
            if queue.count(lane):
                return queue
        # The queue of a host that has much more to do than this one.
        busiest = max(self._links, key=lambda it: it.waiting.weight, default=link)
        if not busiest.waiting.count(lane) or busiest.load < link.load + 2 * HEAVY_WEIGHT:
            return None
        return busiest.waiting

    def _place_again(self, dropped: list[Work], waited: list[Work]) -> None:
        """A host went away: its work goes to others, within its deadline."""
        for work in waited:
            self._waiting[work.lane] -= work.size
        moved = 0
        for work in dropped + waited:
            if work.answer.done():
                continue
            if work.drops > work.most_drops or not self._links:
                self._fail(
                    work, "the token host went away during the request; try again", HOST_LOST
                )
            else:
                moved += 1
                self._place(work)
        if moved:
            _LOG.info(LogEvent.HOST_WORK_MOVED, requests=moved)
