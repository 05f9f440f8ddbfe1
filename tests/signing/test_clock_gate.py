"""No time stamps by a clock that cannot be sworn to."""

import pytest

from signerd.app.kernel_clock import read_kernel_clock
from signerd.core.error import WrongState
from signerd.signing.clock_gate import SETTLE_S, ClockReading, MachineClockGate

_SECOND_US = 1_000_000


class Machine:
    """A machine whose clock a test sets."""

    def __init__(self) -> None:
        self.boot_s = 1000.0
        self.offset_s = 0.0
        self.is_synchronised = True
        self.most_error_us = 1000
        self.problem = ""

    def __call__(self) -> ClockReading:
        """See ClockReading."""
        return ClockReading(
            self.boot_s + self.offset_s,
            self.boot_s,
            self.is_synchronised,
            self.most_error_us,
            self.problem,
        )


def _gate(machine: Machine, *, is_unsynchronised_allowed: bool = False) -> MachineClockGate:
    return MachineClockGate(
        machine,
        most_error_us=_SECOND_US,
        is_unsynchronised_allowed=is_unsynchronised_allowed,
    )


def _refusal(gate: MachineClockGate) -> str:
    with pytest.raises(WrongState) as caught:
        gate.require_trusted()
    assert caught.value.reason == "CLOCK_NOT_TRUSTED"
    return caught.value.message


def test_a_clock_that_is_kept_right_is_trusted() -> None:
    """As chrony keeps it, which also makes it run a tenth faster for a while."""
    machine = Machine()
    gate = _gate(machine)
    for _ in range(100):
        gate.require_trusted()
        machine.boot_s += 1
        machine.offset_s += 0.1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("is_synchronised", False, "nothing keeps the clock"),
        ("most_error_us", _SECOND_US + 1, "wrong by"),
        ("problem", "Operation not permitted", "does not say"),
    ],
)
def test_a_clock_that_nobody_vouches_for_is_not_trusted(
    field: str, value: object, word: str
) -> None:
    """Unless the operator allows it, as on test machines."""
    machine = Machine()
    setattr(machine, field, value)
    assert word in _refusal(_gate(machine))
    _gate(machine, is_unsynchronised_allowed=True).require_trusted()


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 0.5, 86_400.0])
def test_a_clock_that_was_set_is_watched_for_a_while(jump_s: float) -> None:
    """Also where an unsynchronised one is allowed, and forwards as backwards."""
    machine = Machine()
    gate = _gate(machine, is_unsynchronised_allowed=True)
    gate.require_trusted()
    machine.boot_s += 1
    machine.offset_s += jump_s
    assert f"set by {jump_s:+.1f} s" in _refusal(gate)
    machine.boot_s += SETTLE_S / 2
    _refusal(gate)
    machine.boot_s += SETTLE_S / 2
    gate.require_trusted()


def test_a_jump_that_is_observed_in_between_is_not_forgotten() -> None:
    """Nobody asked for a time stamp just then."""
    machine = Machine()
    gate = _gate(machine)
    gate.observe()
    machine.offset_s += 5
    gate.observe()
    machine.boot_s += 1
    gate.observe()
    assert "was set" in _refusal(gate)


def test_the_kernel_says_how_its_clock_is() -> None:
    """Two readings of the real one have the same distance of both clocks."""
    first, second = read_kernel_clock(), read_kernel_clock()
    assert first.problem == second.problem == ""
    assert first.most_error_us > 0
    distance = first.wall_s - first.boot_s
    assert abs(second.wall_s - second.boot_s - distance) < 0.2
