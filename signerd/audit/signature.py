"""Signatures on their way into the record."""

from dataclasses import dataclass

from signerd.audit.event import AuditEvent
from signerd.core.activation import AuthorisationUse
from signerd.core.value import CredentialId


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """Signatures of one credential that go on record by one event. use: what they count of their
    subscriber's agreement; None for a key that needs none."""

    credential: CredentialId
    event: AuditEvent
    use: AuthorisationUse | None = None
