"""How a run went over time, in so many points however long it lasts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from signerd_harness.latency import Latencies
from signerd_harness.tally import Outcome, Tally

_MOST_POINTS: Final = 600


@dataclass(slots=True)
class Point:
    """Counts of a stretch of time."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def merge(self, other: "Point") -> None:
        """Take another's over."""
        self.outcomes.update(other.outcomes)
        self.latencies.merge(other.latencies)


class Timeline:
    """Points of `width_s` seconds each; when there are too many, each two become one."""

    def __init__(self) -> None:
        self.width_s = 1.0
        self.points: list[Point] = []

    def add(self, at_s: float, tally: Tally) -> None:
        """What was reported at a time, seconds from the start."""
        place = int(at_s / self.width_s)
        while place >= _MOST_POINTS:
            self._halve()
            place = int(at_s / self.width_s)
        while len(self.points) <= place:
            self.points.append(Point())
        point = self.points[place]
        for (_, outcome), count in tally.outcomes.items():
            point.outcomes[outcome] += count
        point.latencies.merge(tally.all_latencies())

    def _halve(self) -> None:
        pairs = [self.points[start : start + 2] for start in range(0, len(self.points), 2)]
        self.points = []
        for first, *second in pairs:
            for other in second:
                first.merge(other)
            self.points.append(first)
        self.width_s *= 2
