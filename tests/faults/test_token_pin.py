"""A PIN that the token refuses is tried once and then not again until an operator says so."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.boot import ExitCode
from signerd_client import Client
from signerd_client.error import Unavailable
from tests.faults.scene import (
    BACK_S,
    HAS_SPY,
    NO_SPY,
    PROMPT_S,
    SPY_LOG,
    calls_of,
    faulty_daemon,
    issue,
    kill_hosts,
    log_entries,
    on_token,
    one_attempt,
    places_of,
    refused_start,
    signs,
    spied,
    wait_until,
    wait_until_well,
)

_TOKENS = ("signerd-authority", "signerd-subscribers-1")
_REFUSED_LOGIN = re.compile(r": C_Login\n(?:(?!Returned:).*\n)*Returned: .*CKR_PIN_INCORRECT")
_WRONG = "wrong-pin-39174"
_NEW = "changed-pin-58203"


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateDaemon]:
    """Every call of the tokens is written down where that is possible."""
    size = DaemonSize(fronts=2, hosts=2)
    with faulty_daemon(size, spied(), further_pins=(_WRONG, _NEW)) as running:
        yield running


@pytest.fixture
def daemon(shared: PrivateDaemon) -> Iterator[PrivateDaemon]:
    """The daemon, well at the beginning and at the end."""
    wait_until_well(shared)
    yield shared
    wait_until_well(shared)


def write_pin(daemon: PrivateDaemon, pin: str) -> str:
    """What the PIN file says from now on; returns what it said."""
    file = daemon.directory / "secrets" / "user.pin"
    before = file.read_text()
    file.write_text(pin)
    return before


def test_a_start_with_a_wrong_pin_tries_it_once(daemon: PrivateDaemon) -> None:
    """The start is refused in one line with its own exit code and no process is started again;
    the next starts do not even try, until the PIN is right and the latch is cleared."""
    daemon.stop()
    right = write_pin(daemon, _WRONG)
    logins = [_logins(daemon)]
    for _ in range(3):
        code, line = refused_start(daemon)
        assert code == ExitCode.PIN_REFUSED
        assert "PIN" in line
        assert "signerd clear-latch" in line
        assert _WRONG not in line
        logins.append(_logins(daemon))
    write_pin(daemon, right)
    assert refused_start(daemon)[0] == ExitCode.PIN_REFUSED
    cleared = daemon.run("clear-latch")
    assert cleared.returncode == 0
    assert cleared.stdout.count("will be tried again") == len(_TOKENS)
    daemon.start()
    if HAS_SPY:
        assert logins[1] - logins[0] == len(_TOKENS)
        assert logins[1:] == [logins[1]] * 3


@pytest.mark.skipif(not HAS_SPY, reason=NO_SPY)
def test_the_count_of_logins_counts(daemon: PrivateDaemon) -> None:
    """What the other tests count is there: a start logs every host in to every token."""
    before = calls_of(daemon, "C_Login")
    daemon.stop()
    daemon.start()
    assert calls_of(daemon, "C_Login") - before == len(_TOKENS) * 2


def test_a_pin_changed_under_the_daemon(daemon: PrivateDaemon) -> None:
    """Hosts that have to log in anew try the old PIN once per token, calls are refused at once
    with the reason, and service resumes after the PIN file is put right, the latch cleared and the
    daemon told."""
    with one_attempt(daemon, "ra-officer") as officer, one_attempt(daemon, "signer") as signer:
        credential = issue(officer).credential
        # From here: a host that loses sight of a token while its PIN is changed logs in anew too.
        refusals = _refused_logins(daemon)
        for label in _TOKENS:
            on_token(daemon, "change-pin", "--label", label, more=_NEW)
        assert signs(signer, credential)
        kill_hosts(daemon)
        wait_until(lambda: _latches(daemon) == len(_TOKENS), BACK_S, "latched")
        end = time.monotonic() + 8
        while time.monotonic() < end:
            begin = time.monotonic()
            with pytest.raises(Unavailable) as refused:
                signer.sign(credential, data=b"order")
            assert time.monotonic() - begin < PROMPT_S
            time.sleep(0.5)
        assert refused.value.reason == "PIN_REFUSED"
        assert "clear-latch" in refused.value.message
        with pytest.raises(Unavailable):
            issue(officer)
        assert not signer.health().serving
        if HAS_SPY:
            assert _refused_logins(daemon) - refusals == len(_TOKENS)
        assert log_entries(daemon, "token.pin_refused")
        old = write_pin(daemon, _NEW)
        assert daemon.run("clear-latch").returncode == 0
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: signs(signer, credential), BACK_S, "signs again")
        with Client(daemon.target("ra-officer"), timeout_s=60) as patient:
            assert issue(patient).credential
    for label in _TOKENS:
        on_token(daemon, "change-pin", "--label", label, more=old)
    write_pin(daemon, old)


@pytest.mark.parametrize("place", ["serve.log", "signerd.db", "run/host-0.pulse"])
def test_a_pin_would_be_found(place: str, daemon: PrivateDaemon) -> None:
    """The search that ends every module of fault tests finds what stands in log, database and run
    files, and in the arguments of a process."""
    word = (daemon.directory / place).read_bytes()[:8]
    assert str(daemon.directory / place) in places_of({word}, daemon)
    own = Path("/proc/self/cmdline").read_bytes().strip(b"\0")
    assert f"/proc/{os.getpid()}/cmdline" in places_of({own}, daemon)


def _latches(daemon: PrivateDaemon) -> int:
    return len(list((daemon.directory / "latch").glob("*.latch")))


def _refused_logins(daemon: PrivateDaemon) -> int:
    """Logins that the token refused for the PIN: the spy writes a call and its end at once."""
    file = daemon.directory / SPY_LOG
    text = file.read_text(errors="replace") if file.exists() else ""
    return len(_REFUSED_LOGIN.findall(text))


def _logins(daemon: PrivateDaemon) -> int:
    return calls_of(daemon, "C_Login") if (daemon.directory / SPY_LOG).exists() else 0
