"""Signatures on their way into the record, and found in it again."""

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


@dataclass(frozen=True, slots=True)
class SignatureDetail:
    """What the event of a signature says of it. name: `signature` or `digest`; algorithm: of the
    hash, such as sha256; digits: hexadecimal."""

    name: str
    algorithm: str
    digits: str

    def is_in(self, event: AuditEvent) -> bool:
        """Whether an event says so, of one signature or of one among several."""
        details = event.details
        said = details.get(self.name) or details.get(f"{self.name}s", "")
        algorithm, _, digits = said.partition(":")
        return algorithm == self.algorithm and self.digits in digits.split(" ")

    def __str__(self) -> str:
        return f"{self.name} {self.algorithm}:{self.digits}"
