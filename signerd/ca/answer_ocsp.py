"""Answer a question about a certificate (RFC 6960)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from signerd.ca.sign_ocsp import SignOcsp
from signerd.ca.status_ports import OcspStore
from signerd.core.clock import Clock
from signerd.core.error import (
    DeadlineExceeded,
    Internal,
    LimitExceeded,
    SignerdError,
    StoreUnavailable,
    TokenRefused,
    TokenUnavailable,
)
from signerd.core.status import CertificateStatus
from signerd.observability.event import LogEvent
from signerd.pki.issuer import IssuerInfo
from signerd.pki.ocsp import (
    CertIdHash,
    MalformedOcspRequest,
    OcspQuery,
    OcspRefusal,
    parse_ocsp_request,
)

# A certificate that is unknown now may be issued in the next moment.
_UNKNOWN_LIFETIME: Final = timedelta(seconds=60)
_QUIET_S: Final = 10.0
_TRY_LATER: Final = (TokenUnavailable, TokenRefused, LimitExceeded, DeadlineExceeded)


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """A response (DER). this_update_utc, next_update_utc: of an answer that others who ask the same
    may be given too; None for one that is for this asker or this moment only."""

    der: bytes
    this_update_utc: datetime | None = None
    next_update_utc: datetime | None = None


class AnswerOcsp:
    """The use case behind the OCSP address. The state is read from the store for every question:
    a revocation is known here as soon as it was answered.

    lifetime: of a response made on demand. most_waiting: answers that may wait for the token; one
    more is told to try later, so that nobody can crowd out the customers' signatures. limit_s: for
    one signature.
    """

    def __init__(
        self,
        store: OcspStore,
        signing: SignOcsp,
        issuer: IssuerInfo,
        *,
        lifetime: timedelta,
        most_waiting: int,
        limit_s: float,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._signing = signing
        self._issuer = issuer
        self._lifetime = lifetime
        self._most_waiting = most_waiting
        self._limit_s = limit_s
        self._clock = clock
        self._monotonic = monotonic
        self._waiting = 0
        self._quiet_until: dict[str, float] = {}
        self._log = structlog.get_logger()

    async def answer(self, request: bytes) -> OcspAnswer:
        """The response to a request (DER). Raises nothing: RFC 6960 has an answer to everything."""
        try:
            return await self._answer(request)
        except MalformedOcspRequest:
            return OcspAnswer(OcspRefusal.MALFORMED_REQUEST.der)
        except (*_TRY_LATER, StoreUnavailable) as error:
            self._report(error)
            return OcspAnswer(OcspRefusal.TRY_LATER.der)
        except SignerdError as error:
            self._report(error)
            return OcspAnswer(OcspRefusal.INTERNAL_ERROR.der)

    async def _answer(self, request: bytes) -> OcspAnswer:
        query = parse_ocsp_request(request, self._issuer)
        if not query.names_issuer:
            return OcspAnswer(OcspRefusal.UNAUTHORIZED.der)
        now = self._clock.now()
        status = await self._store.find_status(query.serial)
        ready = self._signed_ahead(query, status, now)
        return ready or await self._sign(query, status, now)

    def _signed_ahead(
        self, query: OcspQuery, status: CertificateStatus | None, now_utc: datetime
    ) -> OcspAnswer | None:
        response = None if status is None else status.response
        if response is None or query.nonce is not None or query.hash is not CertIdHash.SHA1:
            return None
        if not response.this_update_utc <= now_utc < response.next_update_utc:
            return None
        return OcspAnswer(response.der, response.this_update_utc, response.next_update_utc)

    async def _sign(
        self, query: OcspQuery, status: CertificateStatus | None, now_utc: datetime
    ) -> OcspAnswer:
        if self._waiting >= self._most_waiting:
            raise LimitExceeded(f"{self._waiting} answers wait for the token", reason="QUEUE_FULL")
        lifetime = self._lifetime if status is not None else _UNKNOWN_LIFETIME
        self._waiting += 1
        try:
            der, until = await self._signing.sign(
                query,
                status,
                now_utc=now_utc,
                next_update_utc=now_utc + lifetime,
                deadline=self._monotonic() + self._limit_s,
            )
        finally:
            self._waiting -= 1
        if query.nonce is not None or status is None:
            return OcspAnswer(der)
        return OcspAnswer(der, now_utc, until)

    def _report(self, error: SignerdError) -> None:
        """Not for every question: anybody may ask as often as they like."""
        now = self._monotonic()
        if now < self._quiet_until.get(error.reason, 0.0):
            return
        self._quiet_until[error.reason] = now + _QUIET_S
        write = self._log.error if isinstance(error, Internal) else self._log.warning
        write(LogEvent.OCSP_UNANSWERED, reason=error.reason, explanation=error.message)
