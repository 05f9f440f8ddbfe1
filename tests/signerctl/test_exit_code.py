"""Errors: the exit code for scripts, the words for people, the document for programs."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import grpc
import pytest

from signerd_client.advice import advice_for
from signerd_client.error import FailedPrecondition
from tests.client.pki import Trust, make_identity
from tests.client.scripted_daemon import Context, ScriptedDaemon, refuse
from tests.client.signerctl_process import COMMAND, Signerctl, environment

SIGN = ("sign", "--credential", "c", "--encoding", "hex")
REVOKE = ("certificate", "revoke", "4f")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 3),
        (grpc.StatusCode.UNAUTHENTICATED, 3),
        (grpc.StatusCode.PERMISSION_DENIED, 3),
        (grpc.StatusCode.NOT_FOUND, 3),
        (grpc.StatusCode.ALREADY_EXISTS, 3),
        (grpc.StatusCode.FAILED_PRECONDITION, 3),
        (grpc.StatusCode.UNIMPLEMENTED, 3),
        (grpc.StatusCode.ABORTED, 4),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 3),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 4),
        (grpc.StatusCode.INTERNAL, 70),
    ],
    ids=str,
)
def test_each_family_has_its_exit_code(
    daemon: ScriptedDaemon, signerctl: Signerctl, status: grpc.StatusCode, code: int
) -> None:
    """Scripts can tell a refusal from what trying again may mend, and both from a defect."""
    daemon.script.next_calls("Sign", refuse(status, "so it is"))
    assert signerctl(*SIGN).code == code


def test_out_of_service_is_worth_another_try(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """A daemon that stays unavailable until the deadline ends with code 4."""
    out = refuse(grpc.StatusCode.UNAVAILABLE, "the token is gone", reason="TOKEN_UNAVAILABLE")
    daemon.script.next_calls("Sign", *[out] * 100)
    result = signerctl("--timeout", "1", *SIGN)
    assert result.code == 4
    assert "the token is gone" in result.err


def test_a_limit_that_passes_is_worth_another_try(
    daemon: ScriptedDaemon, signerctl: Signerctl
) -> None:
    """With a delay named by the daemon the code is 4, and the delay is told."""
    limit = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls", retry_after_s=60)
    daemon.script.next_calls("Sign", limit)
    result = signerctl(*SIGN)
    assert (result.code, "try again:  in 60 s" in result.err) == (4, True)


def test_words_for_people(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Standard error says what happened, the reason, what to do next and the request id."""
    refusal = refuse(
        grpc.StatusCode.FAILED_PRECONDITION,
        "the certificate is revoked",
        reason="CERTIFICATE_REVOKED",
        field="certificate",
        request_id="r-1",
    )
    daemon.script.next_calls("ReissueCertificate", refusal)
    result = signerctl("certificate", "reissue", "4f")
    assert result.out == ""
    assert result.err.splitlines() == [
        "signerctl: the certificate is revoked",
        "  field:      certificate",
        "  reason:     CERTIFICATE_REVOKED",
        "  what next:  " + advice_for(FailedPrecondition, "CERTIFICATE_REVOKED"),
        "  request id: r-1",
    ]


def test_a_document_for_programs(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """With --output json the error is one JSON object on standard error."""
    refusal = refuse(
        grpc.StatusCode.INVALID_ARGUMENT,
        "이름 is too long",
        reason="INVALID_REQUEST",
        field="subject.common_name",
    )
    daemon.script.next_calls("Sign", refusal)
    result = signerctl(*SIGN, "--output", "json")
    error = json.loads(result.err)["error"]
    assert "이름" in result.err
    assert error["reason"] == "INVALID_REQUEST"
    assert error["field_violations"][0]["field"] == "subject.common_name"
    assert error["exit_code"] == result.code == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("certificate", "isue"), "No such command"),
        (("certificate", "show"), "CERTIFICATE"),
        (("sign", "--credential", "c", "--digest", "md5:00"), "is no digest"),
        (("sign", "--credential", "c", "--digest", "sha256:00", "--in", "x"), "either --in"),
        (("sign", "--credential", "c", "--in", "/no/such/file"), "cannot read /no/such/file"),
        (("sign", "--credential", "c", "--out", "/no/such/dir/x"), "cannot write"),
        (("certificate", "export", "4f", "--format", "der", "--chain"), "needs the format pem"),
        (REVOKE, "give --yes"),
        (
            ("certificate", "issue", "--subscriber", "s", "--profile", "p", "--name", "n"),
            "either key_algorithm or csr",
        ),
    ],
)
def test_wrong_usage_is_explained_and_nothing_is_sent(
    daemon: ScriptedDaemon, signerctl: Signerctl, arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 2, and no request left the process."""
    result = signerctl(*arguments)
    assert (result.code, words in result.err) == (2, True), result.err
    assert not daemon.script.requests


def test_without_a_daemon_the_connection_is_at_fault(signerctl: Signerctl, directory: Path) -> None:
    """Exit code 5 soon, with the path that was tried; no target at all is wrong usage."""
    result = signerctl("health", target=f"unix:{directory}/none.sock")
    assert result.code == 5
    assert f"{directory}/none.sock: the socket does not exist" in result.err
    assert signerctl("health", target="").code == 2
    assert signerctl("health", target="localhost:7443").code == 2


def test_tls_problems_are_told_without_noise(directory: Path) -> None:
    """A daemon of another CA is exit code 5, and gRPC's own log does not show."""
    trust = Trust(directory, make_identity("TLS CA"))
    impostor = make_identity("daemon", issuer=make_identity("other CA"), dns_names=["localhost"])
    with ScriptedDaemon("localhost:0", trust.server_credentials(impostor)) as daemon:
        trust.target(f"localhost:{daemon.port}")
        done = subprocess.run(
            (
                *COMMAND,
                *("--target", f"localhost:{daemon.port}", "--ca", f"{directory}/ca.pem"),
                *("--certificate", f"{directory}/client.pem", "--key", f"{directory}/client.key"),
                "health",
            ),
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
    assert done.returncode == 5
    assert "SERVER_NOT_TRUSTED" in done.stderr
    assert all(line.startswith(("signerctl:", "  ")) for line in done.stderr.splitlines())


def test_interruption_is_quiet(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Ctrl-C while waiting ends with 130 and no traceback."""
    daemon.script.next_calls("GetServerInfo", daemon.script.hang)
    running = subprocess.Popen(
        (*COMMAND, "server", "info"),
        env=environment(SIGNERD_TARGET=signerctl.target),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert daemon.script.arrived.acquire(timeout=20)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (130, b"", b"")


def test_a_closed_pipe_is_quiet(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """When the reader of a stream leaves, the command ends with 130 and says nothing."""
    running = subprocess.Popen(
        (*COMMAND, "audit", "watch", "--after", "0"),
        env=environment(SIGNERD_TARGET=signerctl.target),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def leave(_context: Context, _answer: object) -> None:
        if running.stdout is not None and not running.stdout.closed:
            running.stdout.close()

    daemon.script.next_calls("WatchAuditEvents", *[leave] * 50)
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=30) == 130
    assert running.stderr is not None
    assert running.stderr.read() == b""
    running.stderr.close()


def _on_a_terminal(signerctl: Signerctl, *arguments: str, answer: bytes = b"") -> tuple[int, bytes]:
    """Run with a pseudo-terminal for all three streams; returns exit code and all output."""
    controller, terminal = pty.openpty()
    running = subprocess.Popen(
        (*COMMAND, *arguments),
        env=environment(SIGNERD_TARGET=signerctl.target),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    os.write(controller, answer)
    shown = b""
    while True:
        try:
            shown += os.read(controller, 65536)
        except OSError:
            break
    os.close(controller)
    return running.wait(timeout=20), shown


def test_binary_data_does_not_reach_a_terminal(
    daemon: ScriptedDaemon, signerctl: Signerctl
) -> None:
    """A raw signature is refused there before anything is signed."""
    code, shown = _on_a_terminal(signerctl, "sign", "--credential", "c", "--in", "/dev/null")
    assert code == 2
    assert b"binary data" in shown
    assert not daemon.script.requests


def test_revoke_asks_at_a_terminal(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """No is exit code 1 and nothing is sent; yes revokes."""
    assert _on_a_terminal(signerctl, *REVOKE, answer=b"n\n")[0] == 1
    assert not daemon.script.requests
    code, shown = _on_a_terminal(signerctl, *REVOKE, answer=b"y\n")
    assert code == 0
    assert "홍길동".encode() in shown
    assert len(daemon.script.requests["RevokeCertificate"]) == 1
