"""What both clients know of their daemon: how to reach it, and what its failures mean."""

from datetime import UTC, datetime
from typing import Final, TypeVar

import grpc
from google.protobuf.message import DecodeError

from signerd_client.batch_call import SignStreamCall
from signerd_client.call import Call, Watch
from signerd_client.error import ConnectionFailed, ErrorDetail, Internal, SignerdError
from signerd_client.retry import Attempts, RetryPolicy, WatchProgress
from signerd_client.sign_progress import SignProgress
from signerd_client.status import Failure, error_of
from signerd_client.target import Target, TlsMaterial, load_material

T = TypeVar("T")

_LARGEST_MESSAGE: Final = 64 * 1024 * 1024

_OPTIONS: Final[tuple[tuple[str, int | str], ...]] = (
    # One policy decides about retries, and it is ours.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    # A front that was killed is replaced, and its port is open in the others all the time: a new
    # connection reaches one of them at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # in spite of its name: the limit of one attempt
    # Connections of different clients spread over the fronts only when they are not shared.
    ("grpc.use_local_subchannel_pool", 1),
    # Finds a machine that is gone without a word while calls are waiting.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Keys are not used through a proxy that happens to be in the environment.
    ("grpc.enable_http_proxy", 0),
    # Requests are limited by the daemon, which says so; answers are the daemon's own.
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.primary_user_agent", "signerd-client"),
)


class Session:
    """A daemon as one client sees it. Holds nothing that changes, so threads may share it."""

    def __init__(self, target: Target, *, timeout_s: float, retry: RetryPolicy) -> None:
        """Reads the TLS files. Raises InvalidTarget."""
        if timeout_s <= 0:
            raise ValueError("timeout_s must be positive")
        self.target = target
        self._timeout_s = timeout_s
        self._retry = retry
        self._material: TlsMaterial | None = (
            load_material(target.tls_files) if target.tls_files else None
        )

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What to open the channel with; None for the Unix socket."""
        if self._material is None:
            return None
        return grpc.ssl_channel_credentials(
            root_certificates=self._material.ca,
            private_key=self._material.key,
            certificate_chain=self._material.certificate,
        )

    @property
    def options(self) -> tuple[tuple[str, int | str], ...]:
        """Channel options."""
        files = self.target.tls_files
        if files is None or files.server_name is None:
            return _OPTIONS
        return (*_OPTIONS, ("grpc.ssl_target_name_override", files.server_name))

    def attempts(self, call: Call[T]) -> Attempts:
        """Begin a call; its deadline starts now."""
        timeout_s = self._timeout_s if call.timeout_s is None else call.timeout_s
        return Attempts(self._retry, timeout_s)

    def progress(self, watch: Watch[T]) -> WatchProgress[T]:
        """Begin a watch; the client's default deadline is how long it may be without service."""
        return WatchProgress(watch, self._retry, self._timeout_s)

    def sign_progress(self, call: SignStreamCall) -> SignProgress:
        """Begin a stream of signatures; the client's default deadline is as for a watch."""
        return SignProgress(call, self._retry, self._timeout_s)

    def ended(self) -> SignerdError:
        """The error for a watch that the daemon ended, as it does when it is stopped."""
        return ConnectionFailed(
            ErrorDetail(
                message=f"{self.target.address}: the daemon ended the stream",
                reason="STREAM_ENDED",
                advice=ConnectionFailed.advice_of_family,
            ),
            connecting=False,
        )

    def error_of(self, failure: Failure, call: Call[T]) -> SignerdError:
        """The typed error for what gRPC raised."""
        return error_of(
            failure,
            self.target,
            self._material,
            now_utc=datetime.now(UTC),
            request_id=call.request_id if call.is_change else "",
        )

    def value_of(self, answer: bytes, call: Call[T]) -> T:
        """The value of an answer. Raises Corrupted, and Internal for bytes that make no sense."""
        try:
            return call.decode(answer)
        except DecodeError:
            raise Internal(
                ErrorDetail(
                    message=f"the answer to {call.method} cannot be decoded",
                    reason="ANSWER_MALFORMED",
                    advice="Check that the target is a signerd daemon of the client's version.",
                    request_id=call.request_id,
                )
            ) from None
