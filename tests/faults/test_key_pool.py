"""Key pairs made ahead: SIGKILL on the way there and after one was taken, a token that is away,
a key that is lost."""

import time
import uuid
from collections.abc import Iterator
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.fault import FaultPoint
from signerd_client import Certificate, Client
from signerd_client.retry import RetryPolicy
from tests.faults.fault_order import SETTINGS, FaultOrders
from tests.faults.judgement import judge_audit, judge_certificates, judge_keys, judge_tokens
from tests.faults.scene import (
    BACK_S,
    faulty_daemon,
    issue,
    on_token,
    place_of,
    query,
    token_directory,
    wait_until,
    wait_until_well,
)

pytestmark = pytest.mark.long

_WANTED: Final = 2
# The lease of a keeper that was killed must run out, and it starts again ever more slowly.
_FULL_S: Final = 90.0
_PATIENT: Final = RetryPolicy(unreachable_s=60.0)

READY_KEY_POINTS: Final = (
    FaultPoint.KEEPER_READY_KEY_RESERVED,
    FaultPoint.KEEPER_READY_KEY_GENERATED,
    FaultPoint.STORE_READY_KEY_UNCOMMITTED,
    FaultPoint.KEEPER_READY_KEY_STORED,
)
_MAKING: Final = (
    *READY_KEY_POINTS,
    FaultPoint.HOST_BEFORE_GENERATE,
    FaultPoint.HOST_AFTER_GENERATE,
)
_TAKING: Final = (
    FaultPoint.STORE_RESERVE_UNCOMMITTED,
    FaultPoint.ISSUE_RESERVED,
    FaultPoint.HOST_BEFORE_SIGN,
    FaultPoint.HOST_AFTER_SIGN,
    FaultPoint.ISSUE_KEY_GENERATED,
    FaultPoint.STORE_INTENT_UNCOMMITTED,
    FaultPoint.ISSUE_INTENT_RECORDED,
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """Two ready P-256 keys."""
    wanted = f"{{ EC_P256_SHA256 = {_WANTED} }}"
    settings = SETTINGS | {"tokens.subscribers.ready_keys": wanted}
    with faulty_daemon(DaemonSize(fronts=2, hosts=2), settings) as running:
        yield running


@pytest.fixture
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Tries again as clients do."""
    with Client(daemon.target("ra-officer"), timeout_s=BACK_S, retry=_PATIENT) as client:
        yield client


def _ready(daemon: PrivateDaemon) -> list[bytes]:
    rows = query(daemon, "SELECT cka_id FROM ready_keys WHERE state = 'READY' ORDER BY created_utc")
    return [cka_id for (cka_id,) in rows]


def _wait_until_full(daemon: PrivateDaemon) -> list[bytes]:
    wait_until(lambda: len(_ready(daemon)) >= _WANTED, _FULL_S, "the pool is full")
    return _ready(daemon)


def _given_up(daemon: PrivateDaemon) -> int:
    rows = query(daemon, "SELECT count(*) FROM ready_keys WHERE state = 'DESTROYED'")
    return int(rows[0][0])


def _take(daemon: PrivateDaemon, officer: Client, key: bytes) -> list[Certificate]:
    """Issue until a key is no longer ready. A front avoids for some seconds a token that was
    away."""
    issued: list[Certificate] = []
    end = time.monotonic() + BACK_S
    while key in _ready(daemon):
        assert time.monotonic() < end
        issued.append(issue(officer))
    return issued


def test_a_crash_while_keys_are_made_leaves_no_orphan(
    daemon: PrivateDaemon, officer: Client
) -> None:
    """Keeper or host die at every step: the pool is filled in the end, and what had been begun is
    gone from the token, and from its count."""
    orders = FaultOrders(daemon)
    before = _given_up(daemon)
    for point in _MAKING:
        oldest = _wait_until_full(daemon)[0]
        orders.give(point)
        _take(daemon, officer, oldest)
        assert orders.wait_taken(point, _FULL_S), f"nobody passed {point}"
    _wait_until_full(daemon)
    wait_until_well(daemon)
    judge_tokens(daemon)
    # Of the six one had been stored.
    assert _given_up(daemon) - before >= len(_MAKING) - 1
    judge_audit(daemon)


@pytest.mark.parametrize("point", _TAKING)
def test_a_crash_after_a_key_was_taken_costs_nothing(
    daemon: PrivateDaemon, officer: Client, point: FaultPoint
) -> None:
    """Front or host die: the retries end in one certificate, for a key that lay ready if the token
    was there all the time; no key is left over."""
    orders = FaultOrders(daemon)
    ready = _wait_until_full(daemon)
    subscriber, request_id = f"cust-{uuid.uuid4().hex[:12]}", str(uuid.uuid4())
    orders.give(point)
    issued = issue(officer, subscriber, request_id)
    assert orders.is_taken(point)
    assert issue(officer, subscriber, request_id) == issued
    if point not in {FaultPoint.HOST_BEFORE_SIGN, FaultPoint.HOST_AFTER_SIGN}:
        assert place_of(daemon, issued.credential)[1] in ready
    wait_until_well(daemon)
    judge_keys(daemon, judge_certificates(daemon).values())
    judge_tokens(daemon)


def test_a_lost_key_is_not_certified(daemon: PrivateDaemon, officer: Client) -> None:
    """Somebody destroyed it with another program: the customer gets another key, which signs."""
    oldest = _wait_until_full(daemon)[0]
    on_token(daemon, "destroy", "--label", _label_of(daemon, oldest), "--id", oldest.hex())
    issued = _take(daemon, officer, oldest)
    assert all(place_of(daemon, it.credential)[1] != oldest for it in issued)
    judge_keys(daemon, issued)
    judge_tokens(daemon)


def test_keys_on_a_token_that_is_away_wait_for_it(daemon: PrivateDaemon, officer: Client) -> None:
    """New certificates are for keys on another token, and keys are made ahead there; what lies
    ready on the first is used when it is back."""
    ready = _wait_until_full(daemon)
    away = _label_of(daemon, ready[-1])
    place = token_directory(daemon, away)
    hidden = daemon.directory / "softhsm.gone"
    place.rename(hidden)
    try:
        assert place_of(daemon, issue(officer).credential)[0] != away
        wait_until(lambda: _ready_elsewhere(daemon, away) >= _WANTED, _FULL_S, "others are ready")
        assert place_of(daemon, issue(officer).credential)[0] != away
    finally:
        hidden.rename(place)
    wait_until_well(daemon)
    waited = next(key for key in _ready(daemon) if _label_of(daemon, key) == away)
    issued = _take(daemon, officer, waited)
    assert place_of(daemon, issued[-1].credential) == (away, waited)
    judge_keys(daemon, judge_certificates(daemon).values())
    judge_tokens(daemon)


def _label_of(daemon: PrivateDaemon, cka_id: bytes) -> str:
    """The token that a ready key is on."""
    ((label,),) = query(
        daemon,
        "SELECT label FROM ready_keys JOIN tokens USING (token_id) WHERE cka_id = ?",
        cka_id,
    )
    return str(label)


def _ready_elsewhere(daemon: PrivateDaemon, away: str) -> int:
    rows = query(
        daemon,
        "SELECT count(*) FROM ready_keys JOIN tokens USING (token_id)"
        " WHERE ready_keys.state = 'READY' AND label <> ?",
        away,
    )
    return int(rows[0][0])
