"""What an issuance leaves behind when it ends: the certificate's record, the audit events, or the
refusal that a retry meets again."""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from signerd.audit.event import AuditEvent, EventKind
from signerd.core.error import Internal, SignerdError, TokenRefused, WrongState
from signerd.core.lifecycle import CertificateAct, CertificateState
from signerd.core.record import CertificateRecord, GeneratedKey, IssuanceDraft, IssuanceRecord
from signerd.core.value import certificate_id_of, credential_id_of
from signerd.pki.name import display_subject


def certificate_of(record: IssuanceRecord, der: bytes, now_utc: datetime) -> CertificateRecord:
    """The record of a certificate (DER) that was just made."""
    draft = record.draft
    return CertificateRecord(
        certificate_id=certificate_id_of(draft.serial),
        subscriber=draft.subscriber,
        credential=None if record.key is None else credential_id_of(record.key.cka_id),
        profile=draft.profile,
        state=CertificateState.ACTIVE,
        subject=display_subject(der),
        subject_record=draft.subject,
        not_before_utc=draft.not_before_utc,
        not_after_utc=draft.not_after_utc,
        created_utc=now_utc,
        algorithm=draft.algorithm,
        der=der,
        key_group=draft.key_group,
        replaces=draft.replaces,
        identity=draft.identity,
        activation=draft.activation,
    )


def issued_events(
    draft: IssuanceDraft, certificate: CertificateRecord, key: GeneratedKey | None
) -> tuple[AuditEvent, AuditEvent | None]:
    """The making of a certificate, and the end of the one that it replaces, if any.

    key: None for a CSR.
    """
    made = AuditEvent(
        EventKind.CERTIFICATE_ISSUED,
        certificate.created_utc,
        draft.request.principal,
        f"certificates/{certificate.certificate_id}",
        draft.request.request_id,
        _details(draft, certificate, key),
    )
    if draft.replaces is None:
        return made, None
    old = f"certificates/{draft.replaces}"
    ended = replace(
        made, kind=EventKind.CERTIFICATE_REVOKED, resource=old, details={"reason": "SUPERSEDED"}
    )
    is_renewal = draft.act is CertificateAct.RENEW
    kind = EventKind.CERTIFICATE_RENEWED if is_renewal else EventKind.CERTIFICATE_REISSUED
    return replace(made, kind=kind, details={**made.details, "replaces": old}), ended


def refused_event(draft: IssuanceDraft, error: SignerdError, now_utc: datetime) -> AuditEvent:
    """Why a subscriber got no certificate."""
    return AuditEvent(
        EventKind.ISSUANCE_REFUSED,
        now_utc,
        draft.request.principal,
        f"subscribers/{draft.subscriber}",
        draft.request.request_id,
        {"reason": error.reason},
    )


def refusal_of(record: IssuanceRecord) -> SignerdError:
    """The error that the first call met, for its retries."""
    reason = record.refusal_reason or "REFUSED"
    message = record.refusal_message or "this request was refused earlier"
    match reason:
        case (
            "CERTIFICATE_SUSPENDED"
            | "CERTIFICATE_REVOKED"
            | "CERTIFICATE_REPLACED"
            | "CERTIFICATE_EXPIRED"
            | "PROFILE_REMOVED"
        ):
            return WrongState(message, reason=reason)
        case "LINT_FAILED" | "INTERNAL":
            return Internal(message, reason=reason)
        case _:
            return TokenRefused(message, reason=reason)


def _details(
    draft: IssuanceDraft, certificate: CertificateRecord, key: GeneratedKey | None
) -> dict[str, str]:
    details = {
        "subscriber": draft.subscriber,
        "profile": draft.profile,
        "credential": certificate.credential or "",
        "algorithm": str(draft.algorithm or "CSR"),
        "sha256": sha256(certificate.der).hexdigest(),
    }
    if key is None:
        return details
    return details | {
        "activation": draft.activation.value,
        "key_local": str(key.local),
        "key_always_sensitive": str(key.always_sensitive),
        "key_never_extractable": str(key.never_extractable),
    }
