"""Sign OCSP responses ahead, so that most questions cost no signature."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from signerd.ca.sign_ocsp import SignOcsp
from signerd.ca.status_ports import OcspStore
from signerd.core.clock import Clock
from signerd.core.fault import FaultPoint, reach
from signerd.core.status import CertificateStatus, OcspRecord
from signerd.pki.ocsp import OcspQuery

_BATCH: Final = 100
# Enough to keep a token host busy, few enough to leave the others to the customers.
_AT_ONCE: Final = 4
_CALL_S: Final = 60.0


class PresignOcsp:
    """Keeps a response for every certificate that has not expired.

    lifetime: of a response, which is replaced when half of it is over.
    """

    def __init__(
        self,
        store: OcspStore,
        signing: SignOcsp,
        *,
        lifetime: timedelta,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._signing = signing
        self._lifetime = lifetime
        self._clock = clock
        self._monotonic = monotonic

    async def run_once(self) -> int:
        """Sign a bounded number of responses; 0 when every one was there.

        Raises Internal, StoreUnavailable and as KeyTokens; what was signed until then is kept.
        """
        now = self._clock.now()
        to_sign = await self._store.list_to_sign(now, now + self._lifetime / 2, _BATCH)
        if not to_sign:
            await self._store.forget_responses(now)
            return 0
        gate = asyncio.Semaphore(_AT_ONCE)
        signed = await asyncio.gather(
            *(self._sign(status, now, gate) for status in to_sign), return_exceptions=True
        )
        records = [one for one in signed if isinstance(one, OcspRecord)]
        reach(FaultPoint.KEEPER_OCSP_SIGNED)
        if records:
            await self._store.save_responses(records)
        for one in signed:
            if isinstance(one, BaseException):
                raise one
        return len(records)

    async def _sign(
        self, status: CertificateStatus, now_utc: datetime, gate: asyncio.Semaphore
    ) -> OcspRecord:
        async with gate:
            der, until = await self._signing.sign(
                OcspQuery(int(status.certificate_id, 16)),
                status,
                now_utc=now_utc,
                next_update_utc=now_utc + self._lifetime,
                deadline=self._monotonic() + _CALL_S,
            )
        return OcspRecord(status.certificate_id, status.state, now_utc, until, der)
