"""What came of acts, counted."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from signerd_harness.act import Act
from signerd_harness.latency import Latencies

_MOST_SAMPLES: Final = 20


class Outcome(StrEnum):
    """DONE and REFUSED were to be expected. WRONG: a success where a refusal had to come, the
    other way round, or another refusal. ERROR: no result that can be judged, such as a deadline."""

    DONE = "done"
    REFUSED = "refused"
    WRONG = "wrong"
    ERROR = "error"


@dataclass(slots=True)
class Tally:
    """Counts of a time. samples: words about wrong results and errors, the first few.

    late: acts that began after their time, because all slots were taken.
    """

    outcomes: Counter[tuple[Act, Outcome]] = field(default_factory=Counter)
    latencies: dict[Act, Latencies] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)
    late: int = 0
    signatures: int = 0

    def add(self, act: Act, outcome: Outcome, seconds: float, said: str = "") -> None:
        """One act. said: the reason of a refusal or error, and more of what went wrong."""
        self.outcomes[act, outcome] += 1
        self.latencies.setdefault(act, Latencies()).add(seconds)
        if outcome is Outcome.REFUSED:
            self.reasons[said] += 1
        elif outcome is not Outcome.DONE and len(self.samples) < _MOST_SAMPLES:
            self.samples.append(f"{outcome}: {act}: {said}")

    def merge(self, other: "Tally") -> None:
        """Take another's over."""
        self.outcomes.update(other.outcomes)
        for act, latencies in other.latencies.items():
            self.latencies.setdefault(act, Latencies()).merge(latencies)
        self.reasons.update(other.reasons)
        self.samples += other.samples[: _MOST_SAMPLES - len(self.samples)]
        self.late += other.late
        self.signatures += other.signatures

    def clear(self) -> None:
        """Begin anew."""
        self.outcomes.clear()
        self.latencies.clear()
        self.reasons.clear()
        self.samples.clear()
        self.late = self.signatures = 0

    def count(self, outcome: Outcome, act: Act | None = None) -> int:
        """How many ended so, of one act or all."""
        return sum(
            count
            for (one, ended), count in self.outcomes.items()
            if ended is outcome and act in (None, one)
        )

    @property
    def total(self) -> int:
        """All acts."""
        return self.outcomes.total()

    def all_latencies(self) -> Latencies:
        """Of all acts."""
        whole = Latencies()
        for latencies in self.latencies.values():
            whole.merge(latencies)
        return whole
