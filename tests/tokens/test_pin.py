"""A PIN is tried once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pkcs11 import TokenFlag

from signerd.core.boot import ExitCode
from signerd.tokens.login import pin_obstacle
from signerd.tokens.pin_latch import PinLatch, clear_latches
from tests.tokens import scenario
from tests.tokens.scenario import in_child
from tests.tokens.soft_hsm import Stage

_WRONG = "771155"


def test_wrong_pin_is_tried_once_then_latched(stage: Stage) -> None:
    """After a refusal not even the right PIN is tried until the latch is cleared; then the host
    starts. No message holds the PIN."""
    stage.hsm.write_pin(_WRONG)
    status, errors = stage.start_host("host-0").wait_exit()
    assert status == ExitCode.PIN_REFUSED
    assert "signerd clear-latch" in errors
    latches = list(stage.hsm.latches.glob("*.latch"))
    assert len(latches) in {1, 2}
    assert _WRONG not in errors + "".join(it.read_text() for it in latches)

    stage.hsm.write_pin("483920")
    status, errors = stage.start_host("host-1").wait_exit()
    assert status == ExitCode.PIN_REFUSED
    assert "refused earlier" in errors

    cleared = clear_latches(stage.hsm.latches)
    assert len(cleared) == len(latches)
    stage.serve("host-2")


def test_wrong_pin_does_not_start_over(stage: Stage) -> None:
    """The token itself has seen one wrong try and no more after three starts."""
    stage.hsm.write_pin(_WRONG)
    for name in ("host-0", "host-1", "host-2"):
        assert stage.start_host(name).wait_exit()[0] == ExitCode.PIN_REFUSED
    refused = [event for host in stage.hosts.values() for event in host.problems()]
    tried = [it for it in refused if "was refused and is not tried again" in it["problem"]]
    assert len(tried) == len({it["token"] for it in tried})
    assert len(refused) > len(tried)


def test_inspection_tells_the_pin_state_without_trying_it(stage: Stage) -> None:
    """doctor sees the latch, and the count in the token's flags stays clean."""
    before = in_child(scenario.inspect, stage.hsm.directory)
    assert [it.pin_problem for it in before.tokens] == [""]
    serial = before.tokens[0].token.serial
    PinLatch(stage.hsm.latches).set(serial, datetime.now(UTC))
    after = in_child(scenario.inspect, stage.hsm.directory)
    assert "clear-latch" in after.tokens[0].pin_problem
    assert "USER_PIN_COUNT_LOW" not in after.tokens[0].flags
    assert "SoftHSM" in after.description
    assert after.tokens[0].missing == {}
    assert [it.label for it in after.unused] == ["authority"]


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (TokenFlag.USER_PIN_INITIALIZED | TokenFlag.USER_PIN_LOCKED, "locked"),
        (TokenFlag.USER_PIN_INITIALIZED | TokenFlag.USER_PIN_FINAL_TRY, "one more wrong PIN"),
        (TokenFlag.LOGIN_REQUIRED, "no user PIN"),
    ],
)
def test_flags_forbid_the_try(flags: TokenFlag, word: str) -> None:
    """A PIN that is locked, one try before it, or absent is not tried."""
    assert word in pin_obstacle(flags)


@pytest.mark.parametrize(
    "flags",
    [
        TokenFlag.USER_PIN_INITIALIZED,
        TokenFlag.USER_PIN_INITIALIZED | TokenFlag.USER_PIN_COUNT_LOW,
    ],
)
def test_flags_allow_the_try(flags: TokenFlag) -> None:
    """A token in order is logged in to."""
    assert pin_obstacle(flags) == ""


def test_latch_of_an_odd_serial(tmp_path: Path) -> None:
    """A serial number with path characters names a file inside the directory and comes back."""
    latch = PinLatch(tmp_path)
    latch.set("../1 a/%2F", datetime(2026, 1, 2, tzinfo=UTC))
    assert latch.is_set("../1 a/%2F")
    assert not latch.is_set("other")
    assert len(list(tmp_path.iterdir())) == 1
    assert clear_latches(tmp_path) == ["../1 a/%2F"]
    assert not latch.is_set("../1 a/%2F")
