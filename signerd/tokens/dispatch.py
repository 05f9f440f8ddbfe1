"""Which host does what: a front's requests over every token host, bounded."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import structlog

from signerd.core.error import (
    HOST_LOST,
    DeadlineExceeded,
    Internal,
    LimitExceeded,
    TokenUnavailable,
)
from signerd.core.signing import Lane
from signerd.observability.event import LogEvent
from signerd.tokens.frame import Answer, Failed, error_of
from signerd.tokens.host_link import HostLink
from signerd.tokens.work import HEAVY_WEIGHT, Work, WorkQueue

_LOG: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()
_A = TypeVar("_A", bound=Answer)
_QUEUE_RETRY_S: Final = 0.5
_RANKINGS_MOST: Final = 20_000
_LATE: Final = "the token did not answer before the deadline; try again"


class Dispatch:
    """Work on its way to hosts, see TokenClient; deadlines are seconds of time.monotonic()."""

    def __init__(self, sockets: Mapping[str, Path], *, queue_limit: int, window: int) -> None:
        """sockets: path of each host's socket by the host's name. The others as of TokenClient."""
        self._sockets = dict(sockets)
        self._queue_limit = queue_limit
        self._window = window
        self.links: list[HostLink] = []
        self._rankings: dict[bytes, list[HostLink]] = {}
        self._homeless = WorkQueue()
        self._waiting = dict.fromkeys(Lane, 0)

    async def start(self) -> None:
        """See TokenClient."""
        self.links = [
            HostLink(name, path, window=self._window, on_room=self._fill, on_drop=self._place_again)
            for name, path in self._sockets.items()
        ]
        for link in self.links:
            link.start()

    async def close(self) -> None:
        """See TokenClient."""
        links, self.links = self.links, []
        self._rankings.clear()
        for link in links:
            await link.close()
        for work in self._homeless.take_all():
            self._fail(work, "the daemon is stopping; try again")

    async def ask_only(self, link: HostLink, work: Work, kind: type[_A]) -> _A:
        """Ask a connected host what is for it alone."""
        work.most_drops = 0
        link.send(work)
        return await self.answer(work, kind, may_move=False)

    async def do(self, work: Work, kind: type[_A]) -> _A:
        """Have it done by whichever host. Raises LimitExceeded (QUEUE_FULL), and as `answer`."""
        if work.deadline <= time.monotonic():
            raise DeadlineExceeded(_LATE)
        if not self._sent(work):
            self.require_room(work.lane)
            self._enqueue(work)
        return await self.answer(work, kind)

    def require_room(self, lane: Lane) -> None:
        """Raises LimitExceeded (QUEUE_FULL)."""
        if self._waiting[lane] >= self._queue_limit:
            raise LimitExceeded(
                f"{self._queue_limit} requests wait for the token already; try again later",
                reason="QUEUE_FULL",
                retry_after_s=_QUEUE_RETRY_S,
            )

    def place(self, work: Work) -> None:
        """Send it to a host, or have it wait for one."""
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

    async def answer(self, work: Work, kind: type[_A], *, may_move: bool = True) -> _A:
        """Of work that was placed. may_move: another host may be asked when the one that has it
        cannot do it. Raises what the host says, DeadlineExceeded, TokenUnavailable."""
        timer = work.answer.get_loop().call_at(work.deadline, self._expire, work)
        try:
            answer = await work.answer
            while may_move and isinstance(answer, Failed) and self._moved(work, answer):
                answer = await work.answer
        finally:
            timer.cancel()
            self.withdraw(work)
        if isinstance(answer, kind):
            return answer
        if isinstance(answer, Failed):
            raise error_of(answer)
        raise Internal(f"a token host answered with {type(answer).__name__}")

    def _moved(self, work: Work, failed: Failed) -> bool:
        """Whether another host was given what this one could not do."""
        if failed.is_begun and not work.may_repeat:
            return False
        if not isinstance(error_of(failed), TokenUnavailable):
            return False
        refused_by = self.refused_by(work)
        if refused_by is None:
            return False
        work.refused_by = refused_by
        work.answer = work.answer.get_loop().create_future()
        self.place(work)
        return True

    def refused_by(self, work: Work) -> frozenset[str] | None:
        """The hosts that could not do it by now; None when there is no other."""
        hosts = work.refused_by | {work.host}
        is_left = any(link.is_connected and link.name not in hosts for link in self.links)
        return hosts if is_left else None

    def withdraw(self, work: Work) -> None:
        """Work that still waits is never sent once its caller has gone."""
        if work.queue is not None:
            work.queue.discard(work)
            self._waiting[work.lane] -= work.size

    def _expire(self, work: Work) -> None:
        if work.answer.done():
            return
        if not work.was_sent and not any(link.is_connected for link in self.links):
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
            ranking = sorted(self.links, key=lambda it: it.rank(work.affinity), reverse=True)
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
        busiest = max(self.links, key=lambda it: it.waiting.weight, default=link)
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
            if work.drops > work.most_drops or not self.links:
                self._fail(
                    work, "the token host went away during the request; try again", HOST_LOST
                )
            else:
                moved += 1
                self.place(work)
        if moved:
            _LOG.info(LogEvent.HOST_WORK_MOVED, requests=moved)
