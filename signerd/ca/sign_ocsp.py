"""Sign OCSP responses with the delegated key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from signerd.ca.ports import KeyTokens
from signerd.core.error import Internal
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.status import CertificateStatus
from signerd.core.value import KeyRef
from signerd.pki.issuer import IssuerInfo
from signerd.pki.ocsp import (
    OcspQuery,
    OcspResponder,
    OcspRevoked,
    OcspStatus,
    prepare_ocsp_response,
)


@dataclass(frozen=True, slots=True)
class OcspSigner:
    """The key for OCSP and its certificate, which is renewed from time to time."""

    key: KeyRef
    responder: OcspResponder


class SignOcsp:
    """Makes signed responses. current: the signer as it is now; raises Internal
    (OCSP_SIGNER_MISSING) or StoreUnavailable."""

    def __init__(
        self,
        tokens: KeyTokens,
        issuer: IssuerInfo,
        current: Callable[[], Awaitable[OcspSigner]],
    ) -> None:
        self._tokens = tokens
        self._issuer = issuer
        self._current = current

    async def sign(
        self,
        query: OcspQuery,
        status: CertificateStatus | None,
        *,
        now_utc: datetime,
        next_update_utc: datetime,
        deadline: float,
    ) -> tuple[bytes, datetime]:
        """A response (DER) about a status that was read after now_utc, and its nextUpdate, which is
        no later than the end of the signer's certificate. status: None says unknown.

        deadline: seconds of time.monotonic(). Raises Internal (OCSP_SIGNER_EXPIRED),
        StoreUnavailable and as KeyTokens.
        """
        signer = await self._current()
        responder = signer.responder
        until = min(next_update_utc, responder.not_after_utc)
        if until <= now_utc:
            raise Internal(
                "the certificate of the OCSP signer has expired, and the keeper has not renewed it",
                reason="OCSP_SIGNER_EXPIRED",
            )
        prepared = prepare_ocsp_response(
            responder,
            self._issuer,
            query,
            _said(status),
            this_update_utc=now_utc,
            next_update_utc=until,
        )
        signature = await self._tokens.sign(
            signer.key, responder.algorithm, prepared.message, deadline=deadline
        )
        return prepared.assemble(signature), until


def _said(status: CertificateStatus | None) -> OcspStatus | OcspRevoked:
    if status is None:
        return OcspStatus.UNKNOWN
    match status.state, status.since_utc:
        case CertificateState.REVOKED, datetime() as since_utc:
            return OcspRevoked(since_utc, status.reason or RevocationReason.UNSPECIFIED)
        case CertificateState.SUSPENDED, datetime() as since_utc:
            return OcspRevoked(since_utc, RevocationReason.CERTIFICATE_HOLD)
        case CertificateState.ACTIVE, _:
            return OcspStatus.GOOD
        case _:
            raise Internal(f"certificate {status.certificate_id} ended at no known time")
