"""Follow what happens to certificates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signerd.audit.event import AuditRecord, EventKind
from signerd.ca.ports import CertificateStore, ChangeTrail
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId, SubscriberId
from signerd.policy.decide import Scope

CHANGES: Final = frozenset(kind for kind in EventKind if kind.value.startswith("certificate."))
"""The kinds of events whose resource is a certificate."""

_COLLECTION: Final = "certificates/"


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """What happened, and the certificate as it stands now. position: of the audit record."""

    position: int
    time_utc: datetime
    kind: EventKind
    certificate: CertificateRecord


class CertificateWatch:
    """The use case behind WatchCertificates: the audit trail, as whoever may list certificates
    sees it. Raises StoreUnavailable."""

    def __init__(self, trail: ChangeTrail, certificates: CertificateStore) -> None:
        self._trail = trail
        self._certificates = certificates

    async def last_position(self) -> int:
        """Where what is to come begins."""
        return await self._trail.last_position()

    async def changes_after(
        self, position: int, limit: int, subscriber: SubscriberId | None, scope: Scope
    ) -> tuple[list[ChangeNotice], int]:
        """What the caller may see of the next changes, oldest first, and the position that was
        reached, which is the one given when nothing has happened since."""
        records = await self._trail.records_after(position, limit, CHANGES)
        if not records:
            return [], position
        found = await self._certificates.find_certificates({_id_in(one) for one in records})
        changes = [
            ChangeNotice(one.position, one.event.time_utc, one.event.kind, certificate)
            for one in records
            if (certificate := found.get(_id_in(one))) is not None
            and subscriber in (None, certificate.subscriber)
            and scope.covers(certificate.subscriber, certificate.key_group)
        ]
        return changes, records[-1].position


def _id_in(record: AuditRecord) -> CertificateId:
    return CertificateId(record.event.resource.removeprefix(_COLLECTION))
