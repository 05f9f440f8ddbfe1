"""What CRLs and OCSP responses need of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.status import (
    CertificateStatus,
    CrlDraft,
    CrlIssuer,
    CrlRecord,
    CrlStanding,
    OcspRecord,
)


class CrlStore(Protocol):
    """CRLs. Every method raises StoreUnavailable."""

    async def crl_standing(self, issuer: CrlIssuer) -> CrlStanding:
        """What is published, and whether a change waits to be."""
        ...

    async def read_crl(self, issuer: CrlIssuer, number: int, base_number: int | None) -> CrlRecord:
        """A CRL that was saved; base_number: of a delta CRL. Raises NotFound once it is too old."""
        ...

    async def open_crl(self, issuer: CrlIssuer, now_utc: datetime) -> CrlDraft:
        """Take the next number, and what CRLs of this number list. A number that is not used then,
        because the token failed or the process died, is left out."""
        ...

    async def save_crls(self, records: Sequence[CrlRecord], event: AuditEvent) -> None:
        """Keep the CRLs of one number and put them on record; old ones are forgotten."""
        ...


class OcspStore(Protocol):
    """What OCSP says of certificates. Every method raises StoreUnavailable."""

    async def find_status(self, serial: int) -> CertificateStatus | None:
        """None for a certificate that was never issued. Reads what is committed now."""
        ...

    async def list_to_sign(
        self, now_utc: datetime, renew_before_utc: datetime, limit: int
    ) -> list[CertificateStatus]:
        """Certificates that have not expired and have no response, one of another state, or one
        that ends before renew_before_utc."""
        ...

    async def save_responses(self, records: Sequence[OcspRecord]) -> None:
        """Keep signed responses, each in place of the one before."""
        ...

    async def forget_responses(self, expired_before_utc: datetime) -> int:
        """Drop responses for certificates that had expired by then; returns how many."""
        ...
