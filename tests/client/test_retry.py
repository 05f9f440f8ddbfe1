"""What is tried again, how often, and with what."""

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from signerd_client import AsyncClient, Client, RetryPolicy, Target
from signerd_client.error import (
    Aborted,
    ConnectionFailed,
    Corrupted,
    DeadlineExceeded,
    ErrorDetail,
    NotFound,
    ResourceExhausted,
    SignerdError,
    Unavailable,
)
from signerd_client.retry import Attempts
from tests.client.scripted_daemon import Context, ScriptedDaemon, refuse

BUSY = refuse(
    grpc.StatusCode.UNAVAILABLE, "the token is being reopened", reason="TOKEN_UNAVAILABLE"
)
LIMIT = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", retry_after_s=0.2)
CONFLICT = refuse(grpc.StatusCode.ABORTED, "another reissue", retry_after_s=0.2)


def test_a_change_is_repeated_with_the_same_request_id(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """All attempts of one call send the same bytes; two calls choose different ids."""
    daemon.script.next_calls("IssueCertificate", BUSY, BUSY)
    for _ in range(2):
        client.issue_certificate("h", "p", "n", key_algorithm="EC_P256_SHA256")
    first, second, third, other = daemon.script.requests["IssueCertificate"]
    assert first == second == third
    assert first.request_id
    assert other.request_id != first.request_id


def test_a_given_request_id_is_used(daemon: ScriptedDaemon, client: Client) -> None:
    """The caller's own id identifies the change."""
    client.reissue_certificate("4f", request_id="6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de")
    (request,) = daemon.script.requests["ReissueCertificate"]
    assert request.request_id == "6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de"


@pytest.mark.parametrize("behaviour", [LIMIT, CONFLICT])
def test_a_named_delay_is_honoured(
    daemon: ScriptedDaemon, client: Client, behaviour: Callable[[Context, Any], None]
) -> None:
    """With RetryInfo the call is tried again, not before the delay has passed."""
    daemon.script.next_calls("ReissueCertificate", behaviour)
    start = time.monotonic()
    client.reissue_certificate("4f")
    assert time.monotonic() - start >= 0.2
    assert len(daemon.script.requests["ReissueCertificate"]) == 2


async def test_asynchronous_calls_are_retried_alike(daemon: ScriptedDaemon, target: Target) -> None:
    """The asynchronous client repeats with the same request id and honours the delay."""
    daemon.script.next_calls("ReissueCertificate", BUSY, LIMIT)
    start = time.monotonic()
    async with AsyncClient(target) as client:
        await client.reissue_certificate("4f")
    first, second, third = daemon.script.requests["ReissueCertificate"]
    assert first == second == third
    assert time.monotonic() - start >= 0.2


def test_a_delay_beyond_the_deadline_is_not_waited_for(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """The error comes at once and names the delay."""
    long = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", retry_after_s=60)
    daemon.script.next_calls("Sign", long)
    start = time.monotonic()
    with pytest.raises(ResourceExhausted) as caught:
        client.sign("c", data=b"x", timeout_s=5)
    assert caught.value.retry_after_s == 60
    assert time.monotonic() - start < 2


def test_unavailable_is_tried_until_the_deadline(daemon: ScriptedDaemon, client: Client) -> None:
    """A daemon that stays out of service ends the call at the deadline with its own reason."""
    daemon.script.next_calls("Sign", *[BUSY] * 100)
    start = time.monotonic()
    with pytest.raises((Unavailable, DeadlineExceeded), match="the token is being reopened"):
        client.sign("c", data=b"x", timeout_s=1)
    assert 0.2 < time.monotonic() - start < 2
    assert 3 <= len(daemon.script.requests["Sign"]) < 100


def test_waiting_ends_when_the_client_is_closed(daemon: ScriptedDaemon, target: Target) -> None:
    """A thread that waits for its next attempt does not outlive the client."""
    patient = RetryPolicy(initial_s=20, maximum_s=20)
    daemon.script.next_calls("Sign", *[BUSY] * 100)
    client = Client(target, retry=patient, timeout_s=60)

    def close(_context: Context, _answer: object) -> None:
        client.close()

    daemon.script.next_calls("GetServerInfo", close)
    with pytest.raises(SignerdError):
        client.server_info()
    with pytest.raises((SignerdError, ValueError)):
        client.sign("c", data=b"x")


def _spoil_signature(_context: Context, answer: Any) -> None:
    answer.signature = b"\x00" + answer.signature[1:]


def _spoil_checksum(_context: Context, answer: Any) -> None:
    answer.ClearField("signature_crc32c")


def _deny_input(_context: Context, answer: Any) -> None:
    answer.verified_input_crc32c = False


REFUSED_INPUT = refuse(
    grpc.StatusCode.INVALID_ARGUMENT, "input_crc32c: mismatch", reason="CHECKSUM_MISMATCH"
)


@pytest.mark.parametrize("spoil", [_spoil_signature, _spoil_checksum, _deny_input, REFUSED_INPUT])
def test_a_wrong_checksum_is_tried_again_and_then_an_error(
    daemon: ScriptedDaemon, client: Client, spoil: Callable[[Context, Any], None]
) -> None:
    """Spoilt once, the call succeeds; spoilt three times, the answer is never given out."""
    daemon.script.next_calls("Sign", spoil)
    assert client.sign("c", data=b"x").signature
    daemon.script.next_calls("Sign", spoil, spoil, spoil)
    with pytest.raises(Corrupted) as caught:
        client.sign("c", data=b"x")
    assert caught.value.reason == "CHECKSUM_MISMATCH"
    assert len(daemon.script.requests["Sign"]) == 5


def test_a_spoilt_public_key_is_not_given_out(daemon: ScriptedDaemon, client: Client) -> None:
    """The checksum of a public key is verified as well."""

    def spoil(_context: Context, answer: Any) -> None:
        answer.public_key += b"\x00"

    daemon.script.next_calls("GetPublicKey", spoil, spoil, spoil)
    with pytest.raises(Corrupted):
        client.get_public_key("c")


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _detail(retry_after_s: float | None = None) -> ErrorDetail:
    return ErrorDetail("message", "REASON", "advice", retry_after_s=retry_after_s)


def test_backoff_doubles_up_to_its_maximum_with_full_jitter() -> None:
    """Waits are the jitter's share of a ceiling that doubles and then stays."""
    clock = _Clock()
    policy = RetryPolicy(initial_s=0.1, maximum_s=1.0)
    highest = Attempts(policy, 1e6, monotonic=clock, jitter=lambda: 1.0)
    waits = [highest.delay_after(Unavailable(_detail())) for _ in range(6)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    lowest = Attempts(policy, 1e6, monotonic=clock, jitter=lambda: 0.0)
    assert lowest.delay_after(Unavailable(_detail())) == 0.0
    assert highest.delay_after(Aborted(_detail(retry_after_s=3.0))) == pytest.approx(4.0)


def test_ten_thousand_attempts_are_no_overflow() -> None:
    """The ceiling stays finite however long a daemon is away."""
    attempts = Attempts(RetryPolicy(), 1e9, monotonic=_Clock())
    waits = [attempts.delay_after(Unavailable(_detail())) for _ in range(10_000)]
    assert max(wait for wait in waits if wait is not None) <= RetryPolicy().maximum_s


def test_an_unreachable_daemon_is_given_up_sooner_than_a_busy_one() -> None:
    """Without any connection patience is unreachable_s; an answer in between begins it anew."""
    clock = _Clock()
    attempts = Attempts(RetryPolicy(unreachable_s=10), 100, monotonic=clock)
    assert attempts.delay_after(ConnectionFailed(_detail())) is not None
    clock.now = 9.0
    assert attempts.delay_after(Unavailable(_detail())) is not None
    clock.now = 12.0
    assert attempts.delay_after(ConnectionFailed(_detail())) is not None
    clock.now = 23.0
    assert attempts.delay_after(ConnectionFailed(_detail())) is None


@pytest.mark.parametrize(
    "error",
    [
        NotFound(_detail()),
        Aborted(_detail()),
        ResourceExhausted(_detail()),
        ConnectionFailed(_detail(), hopeless=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_help_is_not_repeated(error: SignerdError) -> None:
    """Refusals, conflicts and limits without a named delay, and hopeless connections stand."""
    assert Attempts(RetryPolicy(), 100).delay_after(error) is None
