"""Answer a TimeStampReq that anybody sent (RFC 3161, 2.4.2 and 3.4)."""

from collections.abc import Callable
from typing import Final

import structlog

from signerd.core.error import (
    DeadlineExceeded,
    Internal,
    LimitExceeded,
    SignerdError,
    StoreUnavailable,
    TokenRefused,
    TokenUnavailable,
    WrongState,
)
from signerd.observability.event import LogEvent
from signerd.pki.timestamp import (
    PkiFailure,
    RefusedTimeStampRequest,
    TimeStampQuery,
    granted,
    parse_time_stamp_request,
    rejected,
)
from signerd.signing.timestamp import CreateTimestamp

ANYBODY: Final = "http:anybody"
"""Principal of time stamps that are asked for over HTTP."""

_QUIET_S: Final = 10.0
_TRY_LATER: Final = (
    TokenUnavailable,
    TokenRefused,
    LimitExceeded,
    DeadlineExceeded,
    StoreUnavailable,
)


class AnswerTimestamp:
    """The use case behind the address for time stamps.

    per_second: how many are made at most, because each leaves an audit record and anybody may ask.
    most_waiting: answers that may wait for the token. limit_s: for one signature.
    """

    def __init__(
        self,
        create: CreateTimestamp,
        *,
        per_second: float,
        most_waiting: int,
        limit_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._create = create
        self._interval_s = 1 / per_second
        self._burst_s = max(1.0, self._interval_s)
        self._most_waiting = most_waiting
        self._limit_s = limit_s
        self._monotonic = monotonic
        self._waiting = 0
        self._full_at = 0.0
        self._quiet_until: dict[str, float] = {}
        self._log = structlog.get_logger()

    async def answer(self, request: bytes) -> bytes:
        """The TimeStampResp (DER). Raises nothing: RFC 3161 has an answer to everything."""
        try:
            query = parse_time_stamp_request(request)
            made = await self._made(query)
        except RefusedTimeStampRequest as error:
            return rejected(error.failure, error.message)
        except WrongState as error:
            self._report(error)
            return rejected(PkiFailure.TIME_NOT_AVAILABLE, error.message)
        except _TRY_LATER as error:
            self._report(error)
            return rejected(PkiFailure.SYSTEM_FAILURE, "not now; ask again in a moment")
        except SignerdError as error:
            self._report(error)
            return rejected(PkiFailure.SYSTEM_FAILURE, "internal error")
        return granted(made)

    async def _made(self, query: TimeStampQuery) -> bytes:
        self._admit()
        self._waiting += 1
        try:
            made = await self._create.create(
                query,
                principal=ANYBODY,
                request_id="",
                deadline=self._monotonic() + self._limit_s,
            )
        finally:
            self._waiting -= 1
        return made.token

    def _admit(self) -> None:
        """A bucket that holds the calls of a second. Raises LimitExceeded."""
        if self._waiting >= self._most_waiting:
            raise LimitExceeded(f"{self._waiting} time stamps wait", reason="QUEUE_FULL")
        now = self._monotonic()
        full_at = max(self._full_at, now)
        if full_at - now > self._burst_s - self._interval_s:
            raise LimitExceeded("too many time stamps are asked for", reason="RATE_LIMITED")
        self._full_at = full_at + self._interval_s

    def _report(self, error: SignerdError) -> None:
        """Not for every request: anybody may ask as often as they like."""
        now = self._monotonic()
        if now < self._quiet_until.get(error.reason, 0.0):
            return
        self._quiet_until[error.reason] = now + _QUIET_S
        write = self._log.error if isinstance(error, Internal) else self._log.warning
        write(LogEvent.TIMESTAMP_REFUSED, reason=error.reason, explanation=error.message)
