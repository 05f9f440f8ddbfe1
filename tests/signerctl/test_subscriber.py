"""signerctl subscriber and verify-identity: where numbers come from, and what is shown."""

from pathlib import Path

import pytest

from signerctl.exit_code import ExitCode
from tests.client.scripted_answer import IDENTITY_NUMBER
from tests.client.scripted_daemon import ScriptedDaemon
from tests.client.signerctl_process import REGISTER, Signerctl

_VERIFY = ("certificate", "verify-identity", "4f", "--identity-number-from")


def test_a_number_comes_from_a_file(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """Without the line end that an editor leaves."""
    (directory / "number.txt").write_text(f"{IDENTITY_NUMBER}\n")
    done = signerctl(*_VERIFY, f"file:{directory / 'number.txt'}")
    assert (done.code, daemon.script.requests["VerifyIdentity"][0].identity_number) == (
        ExitCode.OK,
        IDENTITY_NUMBER,
    )
    assert "matches" in done.out


def test_a_number_comes_from_standard_input(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """One line; a number that is somebody else's is told in the exit code."""
    done = signerctl(*_VERIFY, "stdin", stdin=b"9001011000001\n")
    assert done.code == ExitCode.NEGATIVE
    assert "DOES NOT MATCH" in done.out
    assert daemon.script.requests["VerifyIdentity"][0].identity_number == "9001011000001"


@pytest.mark.parametrize("source", [IDENTITY_NUMBER, "file:", "env:", "stdin:x"])
def test_a_number_on_the_command_line_is_refused(
    daemon: ScriptedDaemon, signerctl: Signerctl, source: str
) -> None:
    """The refusal says how to give it, and does not repeat it."""
    done = signerctl(*_VERIFY, source)
    assert done.code == ExitCode.USAGE
    assert "file:PATH, env:NAME or stdin" in done.err
    assert IDENTITY_NUMBER not in done.err
    assert not daemon.script.requests["VerifyIdentity"]


@pytest.mark.parametrize("source", ["file:/nowhere/number.txt", "env:NOT_SET_HERE", "stdin"])
def test_a_source_that_holds_nothing_is_told(signerctl: Signerctl, source: str) -> None:
    """Nothing is sent without the number."""
    done = signerctl(*_VERIFY, source)
    assert done.code == ExitCode.USAGE
    assert "cannot read" in done.err or "holds nothing" in done.err


def test_a_registration_arrives_whole(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """Every option in its field, the identity number from its source; the answer is masked."""
    (directory / "number.txt").write_text(IDENTITY_NUMBER)
    done = signerctl(*REGISTER, "--identity-number-from", f"file:{directory / 'number.txt'}")
    (request,) = daemon.script.requests["RegisterSubscriber"]
    assert (request.real_name, request.branch) == ("홍길동", "041")
    assert request.identity_number == IDENTITY_NUMBER
    assert request.personal_data.account == "110-123-456789"
    assert "h***@example.com" in done.out
    assert IDENTITY_NUMBER not in done.out


def test_an_issue_brings_the_number(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """With the branch, for profiles that certify a virtual ID."""
    (directory / "number.txt").write_text(IDENTITY_NUMBER)
    source = f"file:{directory / 'number.txt'}"
    command = ("certificate", "issue", "--subscriber", "h", "--profile", "p", "--name", "n")
    more = ("--algorithm", "EC_P256_SHA256", "--branch", "041", "--identity-number-from", source)
    assert signerctl(*command, *more).code == ExitCode.OK
    (request,) = daemon.script.requests["IssueCertificate"]
    assert (request.subject.identity_number, request.subject.branch) == (IDENTITY_NUMBER, "041")


def test_erasing_asks_first(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Where nobody can be asked, --yes has to be given."""
    done = signerctl("subscriber", "erase", "hong")
    assert done.code == ExitCode.USAGE
    assert "--yes" in done.err
    assert not daemon.script.requests["EraseSubscriber"]


def test_a_search_that_finds_nobody_says_so(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """In the exit code; and a search needs exactly one key."""
    daemon.script.next_calls("FindSubscribers", lambda _, answer: answer.ClearField("subscribers"))
    assert signerctl("subscriber", "find", "--account", "1").code == ExitCode.NEGATIVE
    assert signerctl("subscriber", "find").code == ExitCode.USAGE
