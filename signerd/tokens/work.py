"""A request of a front on its way to some token host."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from signerd.core.signing import Lane
from signerd.tokens.frame import Answer, Request

if TYPE_CHECKING:
    import asyncio

# What a request costs a host, in P-256 signatures or so: enough to keep signing away from a host
# that makes keys.
SIGN_WEIGHT: Final = 1
HEAVY_WEIGHT: Final = 16
_MOST_DROPS: Final = 4


@dataclass(slots=True, eq=False)
class Work:
    """build: makes the request once its number is known. affinity: works with the same bytes
    prefer the same host. size: signatures, or 1. drops: hosts that went away while they had it;
    with more than most_drops it is not given to another. host: name of the one that has it.
    may_repeat: what one host has begun another may do again. refused_by: hosts that could not."""

    build: Callable[[int], Request]
    affinity: bytes
    weight: int
    deadline: float
    answer: "asyncio.Future[Answer]"
    lane: Lane = Lane.INTERACTIVE
    size: int = 1
    drops: int = 0
    most_drops: int = _MOST_DROPS
    was_sent: bool = False
    may_repeat: bool = False
    host: str = ""
    refused_by: frozenset[str] = frozenset()
    queue: "WorkQueue | None" = field(default=None, repr=False)


class WorkQueue:
    """Work that waits for one host, in each lane oldest first; taking out of the middle is as
    cheap."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, OrderedDict[int, Work]] = {lane: OrderedDict() for lane in Lane}
        self.weight = 0

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def count(self, lane: Lane) -> int:
        """Works of a lane."""
        return len(self._lanes[lane])

    def put(self, work: Work) -> None:
        """At the end of its lane."""
        self._lanes[work.lane][id(work)] = work
        self.weight += work.weight
        work.queue = self

    def take(self, lane: Lane) -> Work:
        """The oldest of a lane. Raises KeyError when there is none."""
        _, work = self._lanes[lane].popitem(last=False)
        self._left(work)
        return work

    def take_all(self) -> list[Work]:
        """Everything."""
        return [self.take(lane) for lane in Lane for _ in range(self.count(lane))]

    def discard(self, work: Work) -> None:
        """Out of the middle."""
        del self._lanes[work.lane][id(work)]
        self._left(work)

    def _left(self, work: Work) -> None:
        self.weight -= work.weight
        work.queue = None
