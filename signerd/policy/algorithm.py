"""Which algorithms signatures are still accepted of."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import korean_day_of


@dataclass(frozen=True, slots=True)
class AlgorithmEnd:
    """The last day, in Korea, on which signatures of an algorithm count."""

    algorithm: KeyAlgorithm
    until: date


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """When algorithms end. One that is not named is accepted, as every key of this daemon is: the
    weakest is RSA of 2048 bits with SHA-256."""

    ends: tuple[AlgorithmEnd, ...] = ()

    def end_of(self, algorithm: KeyAlgorithm, moment_utc: datetime) -> date | None:
        """The last day of an algorithm that was over at a moment; None where it was accepted."""
        day = korean_day_of(moment_utc)
        over = (one.until for one in self.ends if one.algorithm is algorithm and one.until < day)
        return next(over, None)


ANY_ALGORITHM: Final = AlgorithmPolicy()
