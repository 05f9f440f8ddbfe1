"""Take a certificate off hold."""

from signerd.audit.event import EventKind
from signerd.ca.change import CertificateChanger, ChangeRequest, change_event
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateChange, CertificateRecord


class ResumeCertificate:
    """The use case behind CertificateAuthority.ResumeCertificate."""

    def __init__(self, changer: CertificateChanger) -> None:
        self._changer = changer

    async def validate(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate, if it can be resumed. Raises NotFound, PermissionDenied, WrongState."""
        return await self._changer.validate(call, CertificateAct.RESUME)

    async def resume(self, call: ChangeRequest) -> CertificateRecord:
        """The certificate, active; its expiry is what it was. Raises as validate, Conflict,
        StoreUnavailable."""
        await self._changer.find(call)
        change = CertificateChange(CertificateAct.RESUME, self._changer.clock.now())
        event = change_event(EventKind.CERTIFICATE_RESUMED, call, change)
        return await self._changer.change(call, change, event)
