"""How a host starts and stops."""

import fcntl
import signal
import time

import pytest

from signerd.core.boot import ExitCode
from tests.tokens.conftest import connected, soon
from tests.tokens.soft_hsm import Stage


def test_missing_authority_token_is_told(stage: Stage) -> None:
    """Without the authority token the host ends with TOKEN_MISSING and names it."""
    for path in stage.hsm.tokens.iterdir():
        path.rename(stage.hsm.directory / path.name)
    stage.hsm.make_token("pool-2")
    status, errors = stage.start_host().wait_exit()
    assert status == ExitCode.TOKEN_MISSING
    assert "authority" in errors


def test_missing_module_is_told(stage: Stage) -> None:
    """A module path that does not exist is a configuration error."""
    missing = stage.hsm.directory / "none.so"
    settings = stage.hsm.settings().model_copy(update={"module": missing})
    status, errors = stage.start_host(settings=settings).wait_exit()
    assert status == ExitCode.CONFIG_INVALID
    assert str(missing) in errors


def test_missing_pin_file_is_told(stage: Stage) -> None:
    """A PIN source that cannot be read is a configuration error."""
    stage.hsm.pin_file.unlink()
    status, errors = stage.start_host().wait_exit()
    assert status == ExitCode.CONFIG_INVALID
    assert str(stage.hsm.pin_file) in errors


async def test_one_broken_pool_token_is_only_reported(stage: Stage) -> None:
    """A host starts with the other tokens when one of the pool is damaged."""
    (stage.hsm.make_token("pool-2") / "token.object").write_bytes(b"\x00garbage")
    stage.serve("host-0")
    async with connected(stage) as client:
        (health,) = await client.health(deadline=soon())
    assert {it.token.label for it in health.tokens if not it.problem} == {"authority", "pool-1"}


def test_hosts_starting_together_all_come_up(stage: Stage) -> None:
    """Four hosts that start at the same moment take turns, and none misses a token for the
    start-up race of SoftHSM."""
    hosts = [stage.start_host(f"host-{number}") for number in range(4)]
    for host in hosts:
        host.wait_ready()
        assert host.problems() == []
        (ready,) = host.events("process.ready")
        assert len(ready["tokens"].split()) == 2


def test_start_waits_its_turn_within_bounds(stage: Stage) -> None:
    """While another process is starting up on the tokens a host waits, and when that takes too
    long it starts all the same."""
    with (stage.hsm.latches / "pkcs11.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        host = stage.start_host()
        started = time.monotonic()
        host.wait_ready()
        assert time.monotonic() - started > 2.9


def test_host_ends_with_its_parent(stage: Stage) -> None:
    """The end of the lifeline ends the host cleanly and takes its socket away."""
    stage.serve("host-0")
    host = stage.hosts["host-0"]
    assert host.stop() == ExitCode.OK
    assert not host.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_host_ends_at_sigterm(stage: Stage, number: signal.Signals) -> None:
    """SIGTERM ends the host cleanly."""
    stage.serve("host-0")
    stage.hosts["host-0"].process.send_signal(number)
    assert stage.hosts["host-0"].wait_exit() == (ExitCode.OK, "")
