"""Certificates within a caller's grants."""

from signerd.ca.ports import CertificateStore
from signerd.core.error import PermissionDenied
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId
from signerd.policy.decide import Scope


async def find_in_scope(
    certificates: CertificateStore, certificate_id: CertificateId, scope: Scope
) -> CertificateRecord:
    """A certificate as it stands. Raises NotFound and PermissionDenied (OUT_OF_SCOPE)."""
    found = await certificates.get_certificate(certificate_id)
    if not scope.covers(found.subscriber, found.key_group):
        raise PermissionDenied(
            f"certificates/{certificate_id} is outside your grants", reason="OUT_OF_SCOPE"
        )
    return found
