"""What one caller waits for who issues and reissues, with and without key pairs made ahead."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from scripts.benchmark.companion import run_together, start_in_turn
from scripts.benchmark.load import LoadResult
from scripts.benchmark.softhsm import KeyKind
from signerd_client import Client, RetryPolicy, SignerdError, Target

_CALL_LIMIT_S: Final = 60.0
_FILL_LIMIT_S: Final = 300.0
_POLL_S: Final = 0.2
_NO_RETRY: Final = RetryPolicy(unreachable_s=0.0, checksum_attempts=1)


@dataclass(frozen=True, slots=True)
class SingleRate:
    """One caller, RSA-2048, one call after another. call: name of the RPC. are_keys_ready: a key
    that was made ahead lay there for each."""

    call: str
    are_keys_ready: bool
    calls: int
    errors: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class SingleLoad:
    """One caller. replaces: certificates to reissue, each once; none: subscribers of this number
    are issued their first."""

    target: Target
    number: int
    replaces: Sequence[str] = ()


def measure_single(size: DaemonSize, calls: int) -> Iterator[SingleRate]:
    """Issue so many certificates and reissue each, without and with keys ready."""
    for are_ready in (False, True):
        wanted = f"{{ {KeyKind.RSA_2048.value} = {calls} }}" if are_ready else "{}"
        with private_daemon(size, {"tokens.subscribers.ready_keys": wanted}) as daemon:
            target = daemon.target("ra-officer")
            issued = _measure(daemon, SingleLoad(target, calls), keys=calls if are_ready else 0)
            yield _rate("IssueCertificate", issued, are_ready=are_ready)
            again = SingleLoad(target, calls, issued.credentials)
            reissued = _measure(daemon, again, keys=2 * calls if are_ready else 0)
            yield _rate("ReissueCertificate", reissued, are_ready=are_ready)


def call_in_turn(gate: Callable[[], None], load: SingleLoad) -> LoadResult:
    """Run a SingleLoad in this process; the credentials of the result are certificates."""
    latencies_s: list[float] = []
    errors: Counter[str] = Counter()
    names: list[str] = []
    with Client(load.target, timeout_s=_CALL_LIMIT_S, retry=_NO_RETRY) as client:
        calls = [_reissue(client, name) for name in load.replaces]
        calls = calls or [_issue(client, number) for number in range(load.number)]
        client.health()
        gate()
        start, cpu = time.perf_counter(), time.process_time()
        for call in calls:
            begin = time.perf_counter()
            try:
                names.append(call())
            except SignerdError as error:
                errors[error.reason] += 1
            else:
                latencies_s.append(time.perf_counter() - begin)
        elapsed_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    return LoadResult(sorted(latencies_s), 0, dict(errors), elapsed_s, cpu_s, names)


def _issue(client: Client, number: int) -> Callable[[], str]:
    def call() -> str:
        return client.issue_certificate(
            f"single-{number}", "personal", "벤치마크", key_algorithm=KeyKind.RSA_2048.value
        ).name

    return call


def _reissue(client: Client, name: str) -> Callable[[], str]:
    return lambda: client.reissue_certificate(name).certificate.name


def _measure(daemon: PrivateDaemon, load: SingleLoad, *, keys: int) -> LoadResult:
    """keys: how many must have been made ahead so far."""
    companions = start_in_turn(1, call_in_turn, load)
    until = time.monotonic() + _FILL_LIMIT_S
    while _made_ahead(daemon) < keys:
        if time.monotonic() > until:
            raise RuntimeError(f"{keys} keys were not made ahead in {_FILL_LIMIT_S:.0f} s")
        time.sleep(_POLL_S)
    [result] = run_together(companions, load.number * _CALL_LIMIT_S)
    return result


def _made_ahead(daemon: PrivateDaemon) -> int:
    """How many keys the keeper says that it has made."""
    lines = [line for line in daemon.log().splitlines() if '"keeper.ready_keys_made"' in line]
    return sum(json.loads(line)["count"] for line in lines)


def _rate(call: str, result: LoadResult, *, are_ready: bool) -> SingleRate:
    return SingleRate(
        call=call,
        are_keys_ready=are_ready,
        calls=len(result.latencies_s),
        errors=sum(result.errors.values()),
        p50_ms=result.percentile_ms(50),
        p99_ms=result.percentile_ms(99),
    )
