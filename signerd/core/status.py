"""What relying parties are told of certificates: CRLs and OCSP responses as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import RevokedEntry
from signerd.core.value import CertificateId


class CrlIssuer(StrEnum):
    """Whose CRLs: each CA numbers its own."""

    ISSUING = "issuing"
    ROOT = "root"


@dataclass(frozen=True, slots=True)
class CrlDraft:
    """What a full CRL and its delta CRL list that were given their number and are not signed yet.

    entries: of the full CRL. base_number: of the full CRL that the delta CRL changes; None where
    there is none yet, and so no delta CRL. changes: entries of the delta CRL.
    """

    number: int
    entries: tuple[RevokedEntry, ...]
    base_number: int | None = None
    changes: tuple[RevokedEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class CrlRecord:
    """A signed CRL. base_number: None for a full one. is_base: delta CRLs are made relative to
    this full one until the next. der: empty where only the times were asked for."""

    issuer: CrlIssuer
    number: int
    base_number: int | None
    is_base: bool
    this_update_utc: datetime
    next_update_utc: datetime
    der: bytes


@dataclass(frozen=True, slots=True)
class CrlStanding:
    """The newest CRLs of a CA, without their DER; None where there is none.

    base: the newest full CRL that delta CRLs are made relative to. is_change_waiting: a certificate
    was suspended, resumed or revoked since the newest full CRL.
    """

    full: CrlRecord | None
    base: CrlRecord | None
    delta: CrlRecord | None
    is_change_waiting: bool


@dataclass(frozen=True, slots=True)
class OcspRecord:
    """A signed OCSP response (DER), good until next_update_utc or until the certificate's state
    is no longer this one."""

    certificate_id: CertificateId
    state: CertificateState
    this_update_utc: datetime
    next_update_utc: datetime
    der: bytes


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What OCSP has to say of a certificate.

    state: ACTIVE, SUSPENDED or REVOKED. since_utc, reason: of suspension or revocation. response:
    signed ahead, where there is one that says the same.
    """

    certificate_id: CertificateId
    state: CertificateState
    since_utc: datetime | None = None
    reason: RevocationReason | None = None
    response: OcspRecord | None = None
