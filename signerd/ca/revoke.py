"""Revoke a certificate for good."""

from signerd.audit.event import EventKind
from signerd.ca.change import CertificateChanger, ChangeRequest, change_event
from signerd.core.lifecycle import CertificateAct, RevocationReason
from signerd.core.record import CertificateChange, CertificateRecord


class RevokeCertificate:
    """The use case behind CertificateAuthority.RevokeCertificate."""

    def __init__(self, changer: CertificateChanger) -> None:
        self._changer = changer

    async def validate(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate, if it can be revoked. Raises NotFound, PermissionDenied, WrongState."""
        return await self._changer.validate(call, CertificateAct.REVOKE)

    async def revoke(self, call: ChangeRequest, reason: RevocationReason) -> CertificateRecord:
        """The certificate, revoked. From the return on no process signs with its key.

        A suspended certificate can be revoked, and an expired one too: its signatures are judged
        by the time of signing. Raises as validate, Conflict, StoreUnavailable.
        """
        await self._changer.find(call)
        change = CertificateChange(CertificateAct.REVOKE, self._changer.clock.now(), reason)
        event = change_event(EventKind.CERTIFICATE_REVOKED, call, change, reason=reason.name)
        return await self._changer.change(call, change, event)
