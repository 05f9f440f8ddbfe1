"""Revoke a certificate for good."""

from dataclasses import dataclass

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.ports import CertificateStore
from signerd.core.clock import Clock
from signerd.core.error import PermissionDenied, WrongState
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import CertificateRecord, RequestKey
from signerd.core.value import CertificateId
from signerd.policy.decide import Scope


@dataclass(frozen=True, slots=True)
class RevokeRequest:
    """A checked call."""

    request: RequestKey
    certificate: CertificateId
    reason: RevocationReason
    scope: Scope


class RevokeCertificate:
    """The use case behind CertificateAuthority.RevokeCertificate."""

    def __init__(self, certificates: CertificateStore, clock: Clock) -> None:
        self._certificates = certificates
        self._clock = clock

    async def validate(self, request: RevokeRequest) -> CertificateRecord:
        """The certificate, if it can be revoked. Raises NotFound, PermissionDenied, WrongState."""
        found = await self._find(request)
        if found.state is not CertificateState.ACTIVE:
            raise WrongState(
                f"certificates/{found.certificate_id} is already revoked",
                reason="CERTIFICATE_NOT_ACTIVE",
            )
        return found

    async def revoke(self, request: RevokeRequest) -> CertificateRecord:
        """The certificate, revoked. From the return on, no process signs with its key.

        An expired certificate can be revoked too: its signatures are judged by the time of
        signing. Raises as validate, Conflict, StoreUnavailable.
        """
        await self._find(request)
        now = self._clock.now()
        return await self._certificates.revoke_certificate(
            request.request,
            request.certificate,
            request.reason,
            now,
            AuditEvent(
                EventKind.CERTIFICATE_REVOKED,
                now,
                request.request.principal,
                f"certificates/{request.certificate}",
                request.request.request_id,
                {"reason": request.reason.name},
            ),
        )

    async def _find(self, request: RevokeRequest) -> CertificateRecord:
        found = await self._certificates.get_certificate(request.certificate)
        if not request.scope.covers(found.subscriber, found.key_group):
            raise PermissionDenied(
                f"certificates/{found.certificate_id} is outside your grants",
                reason="OUT_OF_SCOPE",
            )
        return found
