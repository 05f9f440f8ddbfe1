"""What is put on record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_REISSUED = "certificate.reissued"
    CERTIFICATE_RENEWED = "certificate.renewed"
    CERTIFICATE_SUSPENDED = "certificate.suspended"
    CERTIFICATE_RESUMED = "certificate.resumed"
    CERTIFICATE_REVOKED = "certificate.revoked"
    IDENTITY_VERIFIED = "identity.verified"
    SUBSCRIBER_REGISTERED = "subscriber.registered"
    SUBSCRIBER_UPDATED = "subscriber.updated"
    SUBSCRIBER_ERASED = "subscriber.erased"
    PASSWORD_SET = "password.set"  # noqa: S105 - an event name
    PASSWORD_REFUSED = "password.refused"  # noqa: S105 - an event name
    BIOMETRIC_KEY_REGISTERED = "biometric_key.registered"
    ENROLMENT_OPENED = "enrolment.opened"
    ENROLMENT_REFUSED = "enrolment.refused"
    ENROLMENT_CODE_SENT = "enrolment.code_sent"
    ENROLMENT_PROOF_ACCEPTED = "enrolment.proof_accepted"
    ENROLMENT_PROOF_REFUSED = "enrolment.proof_refused"
    ENROLMENT_AUTHORISED = "enrolment.authorised"
    ENROLMENT_CLAIMED = "enrolment.claimed"
    ENROLMENT_COMPLETED = "enrolment.completed"
    ENROLMENT_CANCELLED = "enrolment.cancelled"
    ISSUANCE_REFUSED = "issuance.refused"
    SIGNATURE_CREATED = "signature.created"
    ACTIVATION_PIN_SET = "activation.pin_set"
    ACTIVATION_CODE_SENT = "activation.code_sent"
    ACTIVATION_REFUSED = "activation.refused"
    ACTIVATION_UNLOCKED = "activation.unlocked"
    SIGNING_AUTHORISED = "signing.authorised"
    TIMESTAMP_CREATED = "timestamp.created"
    LOGIN_VERIFIED = "login.verified"
    LOGIN_REFUSED = "login.refused"
    CRL_ISSUED = "crl.issued"
    KEY_DESTROYED = "key.destroyed"
    TOKEN_ADDED = "token.added"  # noqa: S105 - an event name
    AUTHORITY_CREATED = "authority.created"
    OCSP_SIGNER_RENEWED = "authority.ocsp_signer_renewed"
    TIME_STAMPER_RENEWED = "authority.time_stamper_renewed"
    PROCESS_STARTED = "process.started"
    PROCESS_STOPPED = "process.stopped"
    POLICY_LOADED = "policy.loaded"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event before it has its place in a chain.

    principal: who; resource: on what, a resource name; request_id: of the call; details:
    particulars by name, text without secrets. time_utc has microseconds at most.
    """

    kind: EventKind
    time_utc: datetime
    principal: str
    resource: str
    request_id: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event in its place.

    chain: one per process slot, so that no two processes append to the same chain. sequence:
    from 1 without gaps. previous_hash and hash: SHA-256, 32 bytes. position: order of storage
    over all chains.
    """

    event: AuditEvent
    chain: str
    sequence: int
    previous_hash: bytes
    hash: bytes
    position: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records to list; empty means any."""

    resource: str = ""
    kind: str = ""
