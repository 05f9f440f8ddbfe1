"""The pool of subscriber tokens: it grows by itself, and one of several may be gone."""

import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd_client import Client
from signerd_client.error import ResourceExhausted, Unavailable
from tests.faults.scene import (
    BACK_S,
    PROMPT_S,
    faulty_daemon,
    issue,
    one_attempt,
    place_of,
    signs,
    token_directory,
    wait_until,
)

pytestmark = pytest.mark.long

_CAPACITY = 10
_CUSTOMERS = 35
_PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """Small tokens."""
    with faulty_daemon(
        DaemonSize(fronts=2, hosts=2), {"tokens.subscribers.capacity": str(_CAPACITY)}
    ) as running:
        # The first token was registered by init, before the capacity was configured.
        with closing(sqlite3.connect(running.directory / "signerd.db")) as database:
            database.execute("UPDATE tokens SET capacity = ? WHERE capacity > 0", [_CAPACITY])
            database.commit()
        yield running


@pytest.fixture(scope="module")
def credentials(daemon: PrivateDaemon) -> list[str]:
    """35 customers who all come at once; only a full pool may refuse one, with the time after
    which to come again. Every host knows every token: each key signs at once."""
    officers = [one_attempt(daemon, "ra-officer") for _ in range(8)]
    try:
        with ThreadPoolExecutor(_CUSTOMERS) as threads:
            issued = list(
                threads.map(lambda number: _admitted(officers[number % 8]), range(_CUSTOMERS))
            )
    finally:
        for officer in officers:
            officer.close()
    with one_attempt(daemon, "signer") as signer:
        sign_with_all(signer, issued)
    return issued


def _admitted(officer: Client) -> str:
    request_id = str(uuid.uuid4())
    subscriber = f"cust-{request_id[:8]}"
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return issue(officer, subscriber, request_id).credential
        except ResourceExhausted as error:
            full = error
        assert full.reason == "TOKEN_POOL_FULL"
        assert full.retry_after_s
        assert time.monotonic() < end
        time.sleep(full.retry_after_s)


def sign_with_all(signer: Client, credentials: list[str]) -> None:
    """Each at the first attempt."""
    for credential in credentials:
        assert signer.sign(credential, data=b"order").signature


def wait_until_all_sign(signer: Client, credentials: list[str]) -> None:
    """Each host looks for a missing token again after some seconds, for itself."""
    wait_until(lambda: all(signs(signer, key) for key in credentials), BACK_S, "all keys sign")


def test_the_pool_grows_under_issuance(daemon: PrivateDaemon, credentials: list[str]) -> None:
    """Every customer gets a certificate, no token holds more than it may, every addition is on
    record."""
    assert len(set(credentials)) == _CUSTOMERS
    with Client(daemon.target("auditor")) as auditor, Client(daemon.target("operator")) as operator:
        pool = operator.token_status().tokens[1:]
        added = {event.resource for event in auditor.list_audit_events(kind="token.added")}
    placed = Counter(place_of(daemon, credential)[0] for credential in credentials)
    assert all(token.available and token.key_count <= _CAPACITY for token in pool)
    assert all(placed[token.label] <= _CAPACITY for token in pool)
    assert len(pool) >= 4
    assert {f"tokens/{token.label}" for token in pool} <= added


def test_one_token_gone_takes_only_its_own_keys(
    daemon: PrivateDaemon, credentials: list[str], officer: Client, signer: Client
) -> None:
    """The other tokens' keys sign, issuance goes on, the status says which token is gone; with
    the token its keys are back."""
    by_token: dict[str, list[str]] = {}
    for credential in credentials:
        by_token.setdefault(place_of(daemon, credential)[0], []).append(credential)
    gone = min(by_token)
    place = token_directory(daemon, gone)
    hidden = daemon.directory / "softhsm.gone"
    place.rename(hidden)
    try:
        sign_with_all(signer, [key for key in credentials if key not in by_token[gone]])
        begin = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            signer.sign(by_token[gone][0], data=b"order")
        assert time.monotonic() - begin < PROMPT_S
        assert gone in refused.value.message
        assert refused.value.retry_after_s
        assert place_of(daemon, issue(officer).credential)[0] != gone
        with Client(daemon.target("operator")) as operator:
            status = {token.label: token for token in operator.token_status().tokens}
            assert operator.health().serving
        assert not status[gone].available
        assert gone in status[gone].problem
        assert [token.label for token in status.values() if not token.available] == [gone]
    finally:
        hidden.rename(place)
    wait_until_all_sign(signer, credentials)


def test_new_keys_go_elsewhere_when_the_filling_token_is_gone(
    daemon: PrivateDaemon, credentials: list[str], signer: Client
) -> None:
    """Issuance goes on though the token that has room is gone: on another one, which the pool adds
    when it must."""
    with Client(daemon.target("ra-officer"), timeout_s=_PATIENCE_S) as officer:
        first = issue(officer).credential
        filling = place_of(daemon, first)[0]
        place = token_directory(daemon, filling)
        hidden = daemon.directory / "softhsm.filling"
        place.rename(hidden)
        try:
            issued = [issue(officer).credential for _ in range(_CAPACITY)]
            assert all(place_of(daemon, credential)[0] != filling for credential in issued)
            sign_with_all(signer, issued)
        finally:
            hidden.rename(place)
    wait_until_all_sign(signer, [*credentials, first, *issued])
