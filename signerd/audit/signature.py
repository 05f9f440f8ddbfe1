"""Signatures on their way into the record."""

from dataclasses import dataclass

from signerd.audit.event import AuditEvent
from signerd.core.value import CredentialId


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """Signatures of one credential that go on record by one event."""

    credential: CredentialId
    event: AuditEvent
