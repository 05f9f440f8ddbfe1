"""The keeper's work for relying parties: CRLs, and OCSP responses signed ahead."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from signerd.app.ocsp_signer import CurrentOcspSigner
from signerd.app.wiring import Base
from signerd.ca.presign_ocsp import PresignOcsp
from signerd.ca.publish_crl import CrlPlan, CrlSigner, PublishCrl
from signerd.ca.sign_ocsp import SignOcsp
from signerd.core.error import SignerdError
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.status import CrlIssuer
from signerd.observability.event import LogEvent
from signerd.pki.issuer import IssuerInfo
from signerd.publisher.path import ISSUING_DELTA_CRL
from signerd.store.crl import SqlCrlStore
from signerd.store.ocsp import SqlOcspStore

CRL_ROUND_S: Final = 1.0
PRESIGN_ROUND_S: Final = 5.0
# After a failure of the token; each try costs a CRL number.
_PAUSE_S: Final = 5.0


class StatusRounds:
    """One round after another, each a loop of its own, only while the lease is held.

    A failing token is logged and tried again; meanwhile the last CRLs and responses are served.
    """

    def __init__(self, base: Base, is_leader: Callable[[], bool]) -> None:
        self._is_leader = is_leader
        self._publishers = _publishers(base)
        self._presigning = PresignOcsp(
            SqlOcspStore(base.database),
            SignOcsp(base.tokens, base.authority.issuer, CurrentOcspSigner(base.database)),
            lifetime=timedelta(seconds=base.settings.publisher.ocsp_lifetime_s),
            clock=base.clock,
            monotonic=time.monotonic,
        )
        self._paused_until = dict.fromkeys(CrlIssuer, 0.0)
        self._log = structlog.get_logger()

    async def publish(self) -> None:
        """Make the CRLs that are due."""
        for issuer, publisher in self._publishers.items():
            if self._is_leader() and self._paused_until[issuer] <= time.monotonic():
                await self._publish(issuer, publisher)

    async def presign(self) -> None:
        """Sign ahead until every response is there."""
        try:
            while self._is_leader() and await self._presigning.run_once():
                continue
        except SignerdError as error:
            self._log.warning(
                LogEvent.OCSP_PRESIGN_FAILED, reason=error.reason, explanation=error.message
            )

    async def _publish(self, issuer: CrlIssuer, publisher: PublishCrl) -> None:
        begin = time.monotonic()
        try:
            made = await publisher.run_once()
        except SignerdError as error:
            self._paused_until[issuer] = time.monotonic() + _PAUSE_S
            self._log.error(
                LogEvent.CRL_FAILED,
                issuer=issuer.value,
                reason=error.reason,
                explanation=error.message,
            )
            return
        if made is not None:
            self._log.info(
                LogEvent.CRL_PUBLISHED,
                issuer=issuer.value,
                number=made.number,
                octets=len(made.der),
                seconds=round(time.monotonic() - begin, 3),
            )


def _publishers(base: Base) -> dict[CrlIssuer, PublishCrl]:
    settings = base.settings.publisher
    roles = {CrlIssuer.ISSUING: SystemKeyRole.ISSUING, CrlIssuer.ROOT: SystemKeyRole.ROOT}
    plans = {
        CrlIssuer.ISSUING: CrlPlan(
            timedelta(seconds=settings.crl_lifetime_s),
            timedelta(seconds=settings.delta_crl_lifetime_s),
            (settings.url + ISSUING_DELTA_CRL,),
        ),
        CrlIssuer.ROOT: CrlPlan(timedelta(seconds=settings.root_crl_lifetime_s)),
    }
    return {
        issuer: PublishCrl(
            _signer(base, issuer, roles[issuer]),
            plan,
            store=SqlCrlStore(base.database),
            tokens=base.tokens,
            clock=base.clock,
            monotonic=time.monotonic,
        )
        for issuer, plan in plans.items()
    }


def _signer(base: Base, issuer: CrlIssuer, role: SystemKeyRole) -> CrlSigner:
    key = base.system_keys[role]
    return CrlSigner(issuer, key.key, IssuerInfo(key.certificate or b"", key.algorithm))
