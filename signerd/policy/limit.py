"""How much and how often: bounds of each RPC and their enforcement within one front."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from signerd.core.error import LimitExceeded
from signerd.policy.grant import ANY, Policy

_KIB: Final = 1024
_CONCURRENCY_RETRY_S: Final = 0.1
_ROUNDING_S: Final = 1e-6  # who waits as told is not refused for an error of rounding


@dataclass(frozen=True, slots=True)
class RpcLimit:
    """Bounds of one RPC; rate and concurrency are per principal and front.

    max_request_bytes: of the message, in a stream of each; server.max_message_bytes may be
    smaller. max_deadline_s: longest deadline a caller gets. per_second: None is no limit; burst:
    calls at once after a pause.
    """

    max_request_bytes: int
    max_deadline_s: float
    per_second: float | None
    burst: int
    max_concurrent: int


_SIGN: Final = RpcLimit(65_536 * _KIB, 60.0, None, 1, 4096)
_TIMESTAMP: Final = RpcLimit(8 * _KIB, 60.0, None, 1, 1024)
_BATCH: Final = RpcLimit(16_384 * _KIB, 300.0, None, 1, 256)
_STREAM: Final = RpcLimit(16_384 * _KIB, 86_400.0, 100.0, 200, 256)
_UPLOAD: Final = RpcLimit(4_096 * _KIB, 86_400.0, 100.0, 200, 64)
_CHANGE: Final = RpcLimit(128 * _KIB, 300.0, 1000.0, 2000, 1024)
_READ: Final = RpcLimit(4 * _KIB, 60.0, 5000.0, 10_000, 1024)
_LIST: Final = RpcLimit(8 * _KIB, 60.0, 200.0, 400, 64)
_FOLLOW: Final = RpcLimit(8 * _KIB, 86_400.0, 10.0, 50, 64)
# Few numbers fit a birth date: who asks often enough finds the right one.
_IDENTITY: Final = RpcLimit(4 * _KIB, 30.0, 20.0, 40, 16)
# Reads all records under a checkpoint, and may look through many more.
_PROVE: Final = RpcLimit(4 * _KIB, 120.0, 5.0, 20, 4)
# Each leaves a row until some time after its end.
_LOGIN: Final = RpcLimit(64 * _KIB, 60.0, 200.0, 400, 256)
# Each takes some 80 ms of a core, to make PINs dear to guess.
_ACTIVATE: Final = RpcLimit(256 * _KIB, 60.0, 50.0, 100, 64)
_HEALTH: Final = RpcLimit(4 * _KIB, 60.0, 200.0, 400, 256)

RPC_LIMITS: Final[Mapping[str, RpcLimit]] = MappingProxyType(
    {
        "/signerd.v1.CertificateAuthority/IssueCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/ReissueCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/RenewCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/SuspendCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/ResumeCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/RevokeCertificate": _CHANGE,
        "/signerd.v1.CertificateAuthority/GetCertificate": _READ,
        "/signerd.v1.CertificateAuthority/ListCertificates": _LIST,
        "/signerd.v1.CertificateAuthority/CountCertificates": _LIST,
        "/signerd.v1.CertificateAuthority/WatchCertificates": _FOLLOW,
        "/signerd.v1.CertificateAuthority/VerifyIdentity": _IDENTITY,
        "/signerd.v1.CertificateAuthority/GetCaChain": _READ,
        "/signerd.v1.Enrolment/RegisterSubscriber": _CHANGE,
        "/signerd.v1.Enrolment/UpdateSubscriber": _CHANGE,
        "/signerd.v1.Enrolment/GetSubscriber": _READ,
        "/signerd.v1.Enrolment/FindSubscribers": _IDENTITY,
        "/signerd.v1.Enrolment/EraseSubscriber": _CHANGE,
        "/signerd.v1.Enrolment/SetPassword": _CHANGE,
        "/signerd.v1.Enrolment/RegisterBiometricKey": _CHANGE,
        "/signerd.v1.Enrolment/OpenEnrolment": _CHANGE,
        "/signerd.v1.Enrolment/SendCode": _CHANGE,
        "/signerd.v1.Enrolment/ProveIdentity": _CHANGE,
        "/signerd.v1.Enrolment/ClaimCertificate": _CHANGE,
        "/signerd.v1.Enrolment/ReportLoss": _CHANGE,
        "/signerd.v1.Enrolment/GetEnrolment": _READ,
        "/signerd.v1.Enrolment/ListEnrolments": _LIST,
        "/signerd.v1.Enrolment/CancelEnrolment": _CHANGE,
        "/signerd.v1.Signing/GetPublicKey": _READ,
        "/signerd.v1.Signing/Sign": _SIGN,
        "/signerd.v1.Signing/BatchSign": _BATCH,
        "/signerd.v1.Signing/SignStream": _STREAM,
        "/signerd.v1.Signing/SignDocument": _UPLOAD,
        "/signerd.v1.Signing/Verify": _SIGN,
        "/signerd.v1.DocumentSigning/SignCms": _SIGN,
        "/signerd.v1.DocumentSigning/VerifyCms": _SIGN,
        "/signerd.v1.Timestamping/CreateTimestamp": _TIMESTAMP,
        "/signerd.v1.Timestamping/VerifyTimestamp": _SIGN,
        "/signerd.v1.Login/CreateChallenge": _LOGIN,
        "/signerd.v1.Login/VerifyChallengeResponse": _LOGIN,
        "/signerd.v1.Activation/SetActivationPin": _ACTIVATE,
        "/signerd.v1.Activation/SendActivationCode": _CHANGE,
        "/signerd.v1.Activation/AuthorizeSigning": _ACTIVATE,
        "/signerd.v1.Activation/UnlockActivation": _CHANGE,
        "/signerd.v1.Admin/GetServerInfo": _READ,
        "/signerd.v1.Admin/GetTokenStatus": _LIST,
        "/signerd.v1.Admin/ListAuditEvents": _LIST,
        "/signerd.v1.Admin/ProveAuditRecord": _PROVE,
        "/signerd.v1.Admin/ListMessages": _LIST,
        "/signerd.v1.Admin/GetMessage": _READ,
        "/signerd.v1.Admin/WatchAuditEvents": _FOLLOW,
        "/grpc.health.v1.Health/Check": _HEALTH,
        "/grpc.health.v1.Health/List": _HEALTH,
        "/grpc.health.v1.Health/Watch": _FOLLOW,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": _FOLLOW,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _FOLLOW,
    }
)


@dataclass(frozen=True, slots=True)
class _Rate:
    per_second: float
    burst: int


class Limiter:
    """Counts the calls of each principal in this process. Not for use by several threads.

    A token bucket per principal and RPC, kept as the time at which the bucket would be full
    again. Remembers at most max_buckets; the longest unused is forgotten first.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        max_buckets: int = 10_000,
    ) -> None:
        self._overrides = {
            (one.principal, one.rpc): _Rate(one.per_second, one.burst) for one in policy.rates
        }
        self._monotonic = monotonic
        self._max_buckets = max_buckets
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._running: Counter[tuple[str, str]] = Counter()

    def admit(self, principal: str, rpc: str) -> None:
        """Count a call. Raises LimitExceeded (RATE_LIMITED) with the time to wait."""
        rate = self._rate(principal, rpc)
        if rate is None:
            return
        key, now = (principal, rpc), self._monotonic()
        interval = 1 / rate.per_second
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - now - (rate.burst - 1) * interval
        if wait > _ROUNDING_S:
            raise LimitExceeded(
                f"you may call {rpc} {rate.per_second:g} times a second; try again in "
                f"{wait:.3f} s, or ask the operator for a higher rate in policy.toml",
                reason="RATE_LIMITED",
                retry_after_s=wait,
            )
        self._full_at[key] = full_at + interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)

    @contextmanager
    def running(self, principal: str, rpc: str) -> Iterator[None]:
        """Hold a place among the principal's concurrent calls of an RPC.

        Raises LimitExceeded (TOO_MANY_CONCURRENT_CALLS) when all are taken.
        """
        key, most = (principal, rpc), RPC_LIMITS[rpc].max_concurrent
        if self._running[key] >= most:
            raise LimitExceeded(
                f"you may have {most} calls of {rpc} under way in one front; "
                "try again when one has been answered",
                reason="TOO_MANY_CONCURRENT_CALLS",
                retry_after_s=_CONCURRENCY_RETRY_S,
            )
        self._running[key] += 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]

    def _rate(self, principal: str, rpc: str) -> _Rate | None:
        override = self._overrides.get((principal, rpc)) or self._overrides.get((ANY, rpc))
        if override is not None:
            return override
        limit = RPC_LIMITS[rpc]
        return None if limit.per_second is None else _Rate(limit.per_second, limit.burst)
