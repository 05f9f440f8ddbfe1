"""What signing documents and time stamping need of store, machine and each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId


class CertificateSource(Protocol):
    """Certificates by name. Raises StoreUnavailable."""

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord:
        """Raises NotFound."""
        ...


class EventTrail(Protocol):
    """The audit trail of this process."""

    async def append(self, events: Sequence[AuditEvent]) -> None:
        """Put events on record; returns once they are durable. Raises StoreUnavailable,
        LimitExceeded."""
        ...


class ClockGate(Protocol):
    """Whether the clock may be sworn to."""

    def require_trusted(self) -> None:
        """Raises ServiceUnavailable (CLOCK_NOT_TRUSTED) with what is wrong."""
        ...


class SignatureStamper(Protocol):
    """Time stamps signatures."""

    async def stamp_signature(
        self, signature: bytes, *, principal: str, request_id: str, deadline: float
    ) -> tuple[bytes, datetime]:
        """A TimeStampToken (ContentInfo, DER) over a signature and its genTime. deadline: seconds
        of time.monotonic(). Raises as CreateTimestamp.create."""
        ...
