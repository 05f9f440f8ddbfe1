"""signerctl enrolment: where secrets come from, where they go, and what is shown."""

import json
import stat
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerctl.exit_code import ExitCode
from signerd.v1 import enrolment_pb2 as wire
from tests.client.scripted_daemon import Context, ScriptedDaemon, refuse
from tests.client.scripted_enrolment import (
    AUTHORISATION_CODE,
    REFERENCE_NUMBER,
    SUPPORT_REFERENCE,
)
from tests.client.signerctl_process import Signerctl
from tests.signerctl.terminal import converse

_PROVE = ("enrolment", "prove", "6a9f60a1")


def test_a_document_comes_from_its_sources(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """Number from a file, date from standard input; neither is shown."""
    (directory / "licence.txt").write_text("11-22-345678-60\n")
    done = signerctl(
        *(*_PROVE, "--document-kind", "DRIVERS_LICENCE"),
        *("--document-number-from", f"file:{directory}/licence.txt"),
        *("--issue-date-from", "stdin"),
        stdin=b"2020-05-06\n",
    )
    assert done.code == ExitCode.OK
    (request,) = daemon.script.requests["ProveIdentity"]
    assert (request.document.number, request.document.issue_date) == (
        "11-22-345678-60",
        "2020-05-06",
    )
    assert "345678" not in done.out


def test_passwords_keep_their_white_space(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Only the line end is not part of it, when it is set and when it proves."""
    typed = b" vague trombone \n"
    assert signerctl(*_PROVE, "--password-from", "stdin", stdin=typed).code == ExitCode.OK
    assert signerctl("subscriber", "set-password", "hong", stdin=typed).code == ExitCode.OK
    (proof,), (change,) = (
        daemon.script.requests[name] for name in ("ProveIdentity", "SetPassword")
    )
    assert {proof.password, change.new_password} == {" vague trombone "}


def test_a_terminal_asks_for_secrets(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """A new password twice, an authorisation code once; nothing that is typed is shown, and what
    was asked for is named."""
    code, seen = converse(
        signerctl,
        *("subscriber", "set-password", "hong"),
        answers=[("New password: ", "vague trombone"), ("confirmation: ", "vague trombone")],
    )
    assert (code, daemon.script.requests["SetPassword"][0].new_password) == (0, "vague trombone")
    assert "vague" not in seen
    code, seen = converse(
        signerctl,
        *("enrolment", "claim", REFERENCE_NUMBER),
        answers=[("Authorisation code: ", AUTHORISATION_CODE)],
    )
    assert code == ExitCode.OK
    assert AUTHORISATION_CODE not in seen
    assert daemon.script.requests["ClaimCertificate"][0].authorisation_code == AUTHORISATION_CODE


def test_the_authorisation_is_shown_once_or_written(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """In a file that only its owner can read the code is not on the screen, and the claim takes
    it from there; a file that exists is refused before the proof is given."""
    by_phone = (*_PROVE, "--phone-code-from", "stdin")
    shown = signerctl(*by_phone, stdin=b"042917\n")
    assert REFERENCE_NUMBER in shown.out
    assert AUTHORISATION_CODE in shown.out
    assert json.loads(signerctl(*by_phone, "-o", "json", stdin=b"042917\n").out)["authorisation"]

    code = directory / "code"
    written = signerctl(*by_phone, "--authorisation-code-to", str(code), stdin=b"042917\n")
    assert REFERENCE_NUMBER in written.out
    assert AUTHORISATION_CODE not in written.out
    assert stat.S_IMODE(code.stat().st_mode) == 0o600
    source = ("--authorisation-code-from", f"file:{code}")
    assert signerctl("enrolment", "claim", REFERENCE_NUMBER, *source).code == ExitCode.OK
    assert daemon.script.requests["ClaimCertificate"][0].authorisation_code == AUTHORISATION_CODE

    given = len(daemon.script.requests["ProveIdentity"])
    again = signerctl(*by_phone, "--authorisation-code-to", str(code), stdin=b"042917\n")
    assert again.code == ExitCode.USAGE
    assert len(daemon.script.requests["ProveIdentity"]) == given


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "exactly one proof"),
        (("--password-from", "env:LC_ALL", "--phone-code-from", "env:LC_ALL"), "exactly one"),
        (("--document-kind", "PASSPORT"), "--issue-date-from"),
        (("--biometric-statement", "/dev/null"), "--biometric-signature"),
        (
            (
                *("--document-kind", "PASSPORT", "--document-number-from", "env:LC_ALL"),
                *("--issue-date-from", "env:LC_ALL"),
            ),
            "form 2026-11-24",
        ),
        (("--password-from", "hunter2hunter2"), "file:PATH, env:NAME or stdin"),
    ],
)
def test_what_is_no_proof_is_not_sent(
    daemon: ScriptedDaemon, signerctl: Signerctl, options: tuple[str, ...], words: str
) -> None:
    """The refusal says how to give one, and repeats no secret."""
    done = signerctl(*_PROVE, *options)
    assert (done.code, words in done.err) == (ExitCode.USAGE, True), done.err
    assert "hunter2" not in done.err
    assert "C.UTF-8" not in done.err
    assert not daemon.script.requests


def test_a_refusal_shows_what_to_quote(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """The support reference, for people and for programs, with the time of release."""
    refusal = refuse(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "the one-time code is locked",
        reason="LOCKED_OUT",
        retry_after_s=600,
        metadata={
            "support_reference": SUPPORT_REFERENCE,
            "release_time": "2026-03-01T09:40:00Z",
        },
    )
    daemon.script.next_calls("ProveIdentity", refusal, refusal)
    shown = signerctl(*_PROVE, "--phone-code-from", "stdin", stdin=b"1\n")
    assert shown.code == ExitCode.TRY_AGAIN
    assert f"  support:    {SUPPORT_REFERENCE}" in shown.err.splitlines()
    document = signerctl(*_PROVE, "--phone-code-from", "stdin", "-o", "json", stdin=b"1\n")
    error = json.loads(document.err)["error"]
    assert error["support_reference"] == SUPPORT_REFERENCE
    assert error["metadata"]["release_time"] == "2026-03-01T09:40:00Z"


def test_a_story_is_told(signerctl: Signerctl) -> None:
    """The enrolment with what is missing and the lock, then each step with its particulars."""
    shown = signerctl("enrolment", "show", SUPPORT_REFERENCE).out
    for part in (
        *("PHONE_CODE or EMAIL_CODE", "locked until", "STEP", "proof_refused"),
        "factor=PHONE_CODE reason=CODE_WRONG",
    ):
        assert part in shown


def test_proofs_of_any_kind_are_counted(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """A report of loss needs two different ones; after one of them any other."""
    every = [number for number in wire.Factor.values() if number]

    def need_any(_context: Context, answer: wire.OpenEnrolmentResponse) -> None:
        del answer.enrolment.needed[:], answer.enrolment.proven[:]
        for _ in range(2):
            answer.enrolment.needed.add(any_of=every)

    def one_is_met(context: Context, answer: wire.OpenEnrolmentResponse) -> None:
        need_any(context, answer)
        answer.enrolment.needed[0].met = True
        answer.enrolment.proven.append(wire.FACTOR_EMAIL_CODE)

    daemon.script.next_calls("OpenEnrolment", need_any, one_is_met)
    command = ("enrolment", "open", "hong", "--purpose", "LOSS_REPORT", "--certificate", "4f")
    assert "any 2 proofs" in signerctl(*command).out
    shown = signerctl(*command).out
    assert "any other proof" in shown
    assert "EMAIL_CODE" in shown


def test_a_key_of_the_app_is_read_in_either_encoding(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """PEM is sent as DER; what is neither is told."""
    key = daemon.answers.holder.key.public_key()
    command = ("subscriber", "register-biometric-key", "hong", "--public-key")
    for encoding in (Encoding.PEM, Encoding.DER):
        file = directory / "app.pub"
        file.write_bytes(key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))
        assert signerctl(*command, str(file)).code == ExitCode.OK
    sent = {request.public_key for request in daemon.script.requests["RegisterBiometricKey"]}
    assert sent == {key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}
    broken = signerctl(*command, "-", stdin=b"-----BEGIN CERTIFICATE-----\n")
    assert (broken.code, "no public key" in broken.err) == (ExitCode.USAGE, True)


def test_the_latest_code_is_read_from_the_mailbox(
    daemon: ScriptedDaemon, signerctl: Signerctl
) -> None:
    """The code alone; exit code 1 where none arrives in time."""
    assert signerctl("outbox", "code", "hong-gildong").out == "042917\n"
    (request,) = daemon.script.requests["ListMessages"]
    assert request.subscriber == "subscribers/hong-gildong"
    daemon.script.next_calls("ListMessages", lambda _, answer: answer.ClearField("messages"))
    none = signerctl("outbox", "code", "hong-gildong", "--channel", "EMAIL", "--wait", "0")
    assert (none.code, none.out) == (ExitCode.NEGATIVE, "")
