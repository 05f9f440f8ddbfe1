"""Time stamps by the daemon's own authority (RFC 3161)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.algorithm import Hash
from signerd.core.clock import Clock
from signerd.core.error import Internal
from signerd.core.value import KeyRef, serial_from
from signerd.pki.cms import CmsSigner
from signerd.pki.signature import digest
from signerd.pki.timestamp import (
    TimeStampPlan,
    TimeStampQuery,
    prepare_time_stamp,
    serial_text,
    shown_time,
)
from signerd.signing.document_ports import ClockGate, EventTrail
from signerd.signing.ports import Signer

_SERIAL_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class TimeStampSigner:
    """The authority's key and its certificate, which is renewed from time to time."""

    key: KeyRef
    signer: CmsSigner
    not_after_utc: datetime

    @classmethod
    def of(cls, key: KeyRef, signer: CmsSigner) -> "TimeStampSigner":
        """With the end of its certificate."""
        certificate = x509.load_der_x509_certificate(signer.certificate)
        return cls(key, signer, certificate.not_valid_after_utc)


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A token that was made: ContentInfo, DER."""

    token: bytes
    serial: str
    time_utc: datetime
    policy: str


class CreateTimestamp:
    """Makes tokens. current: the authority as it is now; raises Internal (TIME_STAMPER_MISSING)
    or StoreUnavailable. process: name of this process, for the record."""

    def __init__(
        self,
        plan: TimeStampPlan,
        *,
        tokens: Signer,
        trail: EventTrail,
        current: Callable[[], Awaitable[TimeStampSigner]],
        gate: ClockGate,
        clock: Clock,
        random: Callable[[int], bytes],
        process: str,
    ) -> None:
        self._plan = plan
        self._tokens = tokens
        self._trail = trail
        self._current = current
        self._gate = gate
        self._clock = clock
        self._random = random
        self._process = process

    async def create(
        self, query: TimeStampQuery, *, principal: str, request_id: str, deadline: float
    ) -> TimeStamp:
        """A time stamp.

        1. Without a clock that can be sworn to there is none.
        2. The serial number has 159 random bits: no two processes meet, and no crash makes one come
           back (RFC 3161, 2.4.2), without a counter that all of them would wait for.
        3. The signature is verified, and the token put on record, before anybody gets it.

        deadline: seconds of time.monotonic(). Raises RefusedTimeStampRequest, WrongState
        (CLOCK_NOT_TRUSTED), Internal (TIME_STAMPER_MISSING, TIME_STAMPER_EXPIRED,
        SIGNATURE_WRONG), TokenUnavailable, TokenRefused, LimitExceeded, DeadlineExceeded,
        StoreUnavailable.
        """
        authority = await self._current()
        self._gate.require_trusted()
        now = shown_time(self._clock.now())
        if authority.not_after_utc < now:
            raise Internal(
                "the certificate of the time-stamping authority has expired, and the keeper has "
                "not renewed it",
                reason="TIME_STAMPER_EXPIRED",
            )
        serial = serial_from(self._random(_SERIAL_BYTES))
        prepared = prepare_time_stamp(
            query, authority.signer, self._plan, serial=serial, time_utc=now
        )
        signature = await self._tokens.sign(
            authority.key,
            authority.signer.algorithm,
            prepared.signer.message,
            deadline=deadline,
        )
        token = prepared.assemble(signature)
        made = TimeStamp(token, serial_text(serial), now, self._plan.policy)
        await self._trail.append([self._event(made, query, principal, request_id)])
        return made

    async def stamp_signature(
        self, signature: bytes, *, principal: str, request_id: str, deadline: float
    ) -> tuple[bytes, datetime]:
        """See SignatureStamper (RFC 3161, appendix A)."""
        made = await self.create(
            TimeStampQuery(Hash.SHA256, digest(Hash.SHA256, signature)),
            principal=principal,
            request_id=request_id,
            deadline=deadline,
        )
        return made.token, made.time_utc

    def _event(
        self, made: TimeStamp, query: TimeStampQuery, principal: str, request_id: str
    ) -> AuditEvent:
        return AuditEvent(
            EventKind.TIMESTAMP_CREATED,
            made.time_utc,
            principal,
            f"timestamps/{made.serial}",
            request_id,
            {
                "digest": f"{query.hash.value}:{query.digest.hex()}",
                "policy": made.policy,
                "process": self._process,
            },
        )
