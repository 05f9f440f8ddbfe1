"""The README's worked example does what the README shows."""

from dataclasses import dataclass

import pytest

from signerd.core.boot import ExitCode
from tests.docs.console import blocks
from tests.docs.replay import replay
from tests.docs.shown import Comparison


@dataclass(frozen=True, slots=True)
class Followed:
    """Every command in its order, with the output shown and the real one, both without ids and
    times; and the exit status of the daemon after Ctrl-C."""

    outputs: list[tuple[str, str, str]]
    exit_status: int


@pytest.fixture(scope="module")
def followed() -> Followed:
    """The example, followed once from its first line to its last."""
    with replay() as run:
        outputs = [
            (shown.command, *run.comparison.compare(shown.output, real.output))
            for block in blocks("console", "python")
            for shown, real in run.follow(block)
        ]
        return Followed(outputs, run.stop())


def test_every_command_prints_what_is_shown(followed: Followed) -> None:
    """A reader who types the commands sees the output of the README."""
    assert len(followed.outputs) > 20
    for command, shown, real in followed.outputs:
        assert real == shown, command


def test_ctrl_c_stops_the_daemon(followed: Followed) -> None:
    """The last sentence of the example holds, and the exit status is good."""
    assert followed.exit_status == ExitCode.OK


def test_the_example_shows_the_whole_life_of_a_key() -> None:
    """Issue, sign, verify with openssl, reissue and the refusal are all in it, and so are the
    steps of a reissue and of a report of loss with proofs."""
    text = "\n".join(block.text for block in blocks("console", "python"))
    for part in (
        *("certificate issue", "signerctl sign", "openssl dgst", "openssl verify"),
        *("certificate reissue", "CREDENTIAL_RETIRED", "audit verify", "python example.py"),
        *("enrolment open", "send-code", "outbox code", "enrolment prove", "enrolment claim"),
        *("--purpose LOSS_REPORT", "enrolment report-loss", "enrolment show"),
    ):
        assert part in text


def test_other_output_is_noticed() -> None:
    """Another word, another id where the same one is shown, and another expiry are differences."""
    day = "2027-11-22 14:59:59Z"
    shown = f"certificates/{'a' * 40} ACTIVE {day}\nreplaces {'a' * 40} until {day}"
    assert _differs(shown, shown.replace("a" * 40, "b" * 40)) is False
    assert _differs(shown, shown.replace("ACTIVE", "REVOKED")) is True
    assert _differs(shown, shown.replace("a" * 40, "b" * 40, 1)) is True
    assert _differs(shown, shown.replace(day, "2028-01-01 14:59:59Z")) is False
    assert _differs(shown, shown.replace(day, "2028-01-01 14:59:59Z", 1)) is True


def _differs(shown: str, real: str) -> bool:
    one, other = Comparison().compare(shown, real)
    return one != other
