"""What signing needs of tokens and store."""

from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import CredentialRecord
from signerd.core.standing import CertificateHistory
from signerd.core.value import CertificateId, CredentialId, KeyRef


class Signer(Protocol):
    """Keys on tokens. Deadlines are seconds of time.monotonic()."""

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """Sign a digest (Ed25519: the message). ECDSA signatures are DER.

        Raises TokenUnavailable, TokenRefused, LimitExceeded, DeadlineExceeded.
        """
        ...


class SignatureStore(Protocol):
    """Credentials and the record of signatures. Every method raises StoreUnavailable."""

    async def get_credential(self, credential_id: CredentialId) -> CredentialRecord:
        """Raises NotFound. A credential that is only reserved is not found."""
        ...

    async def record_signature(self, credential_id: CredentialId, event: AuditEvent) -> None:
        """Put a signature on record, durably, and only if its credential is ACTIVE in the same
        transaction.

        This is what makes revocation immediate: a signature whose record is committed precedes
        the revocation, and one whose record is not is never answered. Raises WrongState
        (CREDENTIAL_RETIRED).
        """
        ...


class StandingStore(Protocol):
    """What signatures are judged by."""

    async def find_history(self, certificate_id: CertificateId) -> CertificateHistory | None:
        """None for a certificate that was never issued. Reads what is committed now. Raises
        StoreUnavailable."""
        ...
