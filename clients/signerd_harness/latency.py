"""Latencies as counts in buckets that grow evenly: any number of them in little memory."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

# Buckets in a doubling: a percentile is right to 3 %.
_FINENESS: Final = 16


class Latencies:
    """Counts of latencies by size."""

    __slots__ = ("counts",)

    def __init__(self, counts: Iterable[tuple[int, int]] = ()) -> None:
        """counts: number of the bucket, and how many."""
        self.counts: Counter[int] = Counter(dict(counts))

    def add(self, seconds: float) -> None:
        """One more."""
        micros = max(1.0, seconds * 1e6)
        self.counts[int(math.log2(micros) * _FINENESS)] += 1

    def merge(self, other: "Latencies") -> None:
        """Take another's over."""
        self.counts.update(other.counts)

    @property
    def count(self) -> int:
        """How many."""
        return self.counts.total()

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of them does not exceed, in milliseconds; 0 without any."""
        wanted, seen = share * self.count, 0
        for bucket, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted:
                return float(2.0 ** ((bucket + 0.5) / _FINENESS)) / 1000
        return 0.0
