"""Signatures per second of the token itself, called from Python, without signerd."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.benchmark.companion import run_together, start_in_turn
from scripts.benchmark.softhsm import KeyKind, TokenAccess, find_key

_ANSWER_LIMIT_S: Final = 30.0
_WARM_UP: Final = 20
# DER of DigestInfo for SHA-256 up to the digest (RFC 8017, section 9.2, note 1).
_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True, slots=True)
class BareRate:
    """What some processes signed together. cpu_us: of one signature."""

    kind: KeyKind
    processes: int
    signatures: int
    rate_per_s: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class _Share:
    signatures: int
    elapsed_s: float
    cpu_s: float


def measure_bare(access: TokenAccess, kind: KeyKind, processes: int, duration_s: float) -> BareRate:
    """Sign in so many processes at once; one PKCS#11 caller each, as in a token host."""
    workers = start_in_turn(processes, _sign, access, kind, duration_s)
    shares = run_together(workers, duration_s + _ANSWER_LIMIT_S)
    done = sum(share.signatures for share in shares)
    return BareRate(
        kind=kind,
        processes=processes,
        signatures=done,
        rate_per_s=sum(share.signatures / share.elapsed_s for share in shares),
        cpu_us=sum(share.cpu_s for share in shares) / done * 1e6,
    )


def measure_all(
    access: TokenAccess, process_counts: Sequence[int], duration_s: float
) -> Iterator[BareRate]:
    """Every kind of key with every number of processes."""
    for kind in KeyKind:
        for processes in process_counts:
            yield measure_bare(access, kind, processes, duration_s)


def _sign(
    gate: Callable[[], None], access: TokenAccess, kind: KeyKind, duration_s: float
) -> _Share:
    with access.open() as session:
        key, mechanism = find_key(session, kind)
        digest = hashlib.sha256(b"bench").digest()
        message = _SHA256_INFO + digest if kind is KeyKind.RSA_2048 else digest
        for _ in range(_WARM_UP):
            key.sign(message, mechanism=mechanism)
        gate()
        done, cpu, begin = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() < begin + duration_s:
            key.sign(message, mechanism=mechanism)
            done += 1
        return _Share(done, time.perf_counter() - begin, time.process_time() - cpu)
