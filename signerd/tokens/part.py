"""Many signatures as requests to hosts: into parts, and the parts' answers back into order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signerd.core.algorithm import KeyAlgorithm, KeyType, spec_of
from signerd.core.error import Internal, SignerdError
from signerd.core.signing import Lane, SignTask
from signerd.tokens.frame import Request, SignedMany, SignManyRequest, error_of

if TYPE_CHECKING:
    from signerd.core.value import KeyRef

# Less than this is not worth a request of its own to another host.
_WORTH: Final = 32
# The most of one request: what a host that dies has to have done again by another.
_MOST: Final = 640
# Of SoftHSM 2.6.1, in P-256 signatures; where a token differs, only the balance between hosts does.
_RSA_WEIGHTS: Final = {2048: 10, 3072: 30, 4096: 70}
_P384_WEIGHT: Final = 16


def sign_weight(algorithm: KeyAlgorithm) -> int:
    """What a signature costs a host, in P-256 signatures or so."""
    return _WEIGHTS[algorithm]


def _weight_of(algorithm: KeyAlgorithm) -> int:
    spec = spec_of(algorithm)
    if spec.key_type is KeyType.RSA:
        return _RSA_WEIGHTS[spec.bits]
    return _P384_WEIGHT if spec.bits > 256 else 1  # noqa: PLR2004 - P-256 and Ed25519


_WEIGHTS: Final = {algorithm: _weight_of(algorithm) for algorithm in KeyAlgorithm}


@dataclass(frozen=True, slots=True)
class Part:
    """Tasks that go to a host together."""

    tasks: Sequence[SignTask]
    weight: int

    def of(self, places: Sequence[int]) -> "Part":
        """Some of the tasks, by their places."""
        tasks = [self.tasks[place] for place in places]
        return Part(tasks, sum(_WEIGHTS[task.algorithm] for task in tasks))

    def request(self, deadline: float, lane: Lane) -> Callable[[int], Request]:
        """Makes the request once its number is known."""
        keys: dict[tuple[KeyRef, KeyAlgorithm], int] = {}
        of: list[int] = []
        last, place = None, 0
        for key, algorithm, _ in self.tasks:
            # Most often the one before; a key's hash is made of three objects.
            if key is not last:
                last, place = key, keys.setdefault((key, algorithm), len(keys))
            of.append(place)
        messages = [task.message for task in self.tasks]
        listed = list(keys)
        return lambda number: SignManyRequest(number, deadline, lane, listed, of, messages)

    def results(self, answer: SignedMany) -> list[bytes | SignerdError]:
        """Of each task, in their order. Raises Internal for an answer to something else."""
        if len(answer.signatures) != len(self.tasks):
            raise Internal("a token host answered with another number of signatures")
        results: list[bytes | SignerdError] = list(answer.signatures)
        for failed in answer.failures:
            results[failed.place] = error_of(failed)
        return results


def split(tasks: Sequence[SignTask], hosts: int) -> list[Part]:
    """Parts of about the same weight: one for each host where they are worth it, more where they
    would be too big."""
    weights = [_WEIGHTS[task.algorithm] for task in tasks]
    total = sum(weights)
    count = max(1, min(hosts, total // _WORTH), -(-total // _MOST))
    parts: list[Part] = []
    start = weight = done = 0
    for position, one in enumerate(weights, 1):
        weight += one
        if (done + weight) * count >= total * (len(parts) + 1):
            parts.append(Part(tasks[start:position], weight))
            start, done, weight = position, done + weight, 0
    return parts
