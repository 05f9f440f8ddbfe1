"""Look certificates up."""

from dataclasses import replace

from signerd.ca.ports import CertificateStore
from signerd.ca.scope import find_in_scope
from signerd.core.clock import Clock
from signerd.core.record import CertificateCount, CertificateFilter, CertificateRecord, Page
from signerd.core.value import CertificateId
from signerd.policy.decide import Scope


class CertificateQuery:
    """The use cases behind GetCertificate, ListCertificates and CountCertificates."""

    def __init__(self, certificates: CertificateStore, clock: Clock) -> None:
        self._certificates = certificates
        self._clock = clock

    async def get(self, certificate_id: CertificateId, scope: Scope) -> CertificateRecord:
        """Raises NotFound and PermissionDenied."""
        return await find_in_scope(self._certificates, certificate_id, scope)

    async def count(self, where: CertificateFilter, scope: Scope) -> list[CertificateCount]:
        """How many there are, by state, profile, branch and month of expiry, of what the caller
        may see of what the filter names."""
        visible = replace(where, visible_subscribers=scope.subscriber_patterns())
        return await self._certificates.count_certificates(visible, self._clock.now())

    async def list(
        self, where: CertificateFilter, page: Page, scope: Scope
    ) -> tuple[list[CertificateRecord], str]:
        """What the caller may see of what the filter names. Raises InvalidRequest for a foreign
        page token."""
        visible = replace(where, visible_subscribers=scope.subscriber_patterns())
        return await self._certificates.list_certificates(visible, page, self._clock.now())
