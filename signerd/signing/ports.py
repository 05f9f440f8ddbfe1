"""What signing needs of tokens and store."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.audit.signature import SignatureRecord
from signerd.core.activation import SigningAuthorisation
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import SignerdError
from signerd.core.login import ChallengeRecord
from signerd.core.record import CredentialRecord
from signerd.core.signing import Lane, SignTask
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

    async def sign_many(
        self, tasks: Sequence[SignTask], *, deadline: float, lane: Lane
    ) -> list[bytes | SignerdError]:
        """Sign all of them; for each, in their order, the signature or why there is none.

        Raises LimitExceeded, and then none was signed.
        """
        ...


class SignatureStore(Protocol):
    """Credentials and the record of signatures. Every method raises StoreUnavailable."""

    async def get_credential(self, credential_id: CredentialId) -> CredentialRecord:
        """Raises NotFound. A credential that is only reserved is not found."""
        ...

    async def record_signatures(
        self, records: Sequence[SignatureRecord]
    ) -> list[SignerdError | None]:
        """Put signatures on record, durably, each only if its credential is ACTIVE in the same
        transaction; for each record None, or why it is not there.

        This is what makes revocation immediate: a signature whose record is committed precedes
        the revocation, and one whose record is not is never answered. An authorisation is counted
        in the same transaction, or the record refused. The errors are NotFound, WrongState
        (CREDENTIAL_RETIRED, CREDENTIAL_SUSPENDED) and those of `count_new`.
        """
        ...


class AuthorisationStore(Protocol):
    """Agreements that subscribers gave."""

    async def find_authorisation(
        self, authorisation_id: str, request_id: str
    ) -> tuple[SigningAuthorisation, dict[bytes, int]] | None:
        """An authorisation, and the signatures by digest that were counted of this call; None for
        one that was never given, was withdrawn or forgotten. Raises StoreUnavailable."""
        ...


class StandingStore(Protocol):
    """What signatures are judged by."""

    async def find_history(self, certificate_id: CertificateId) -> CertificateHistory | None:
        """None for a certificate that was never issued. Reads what is committed now. Raises
        StoreUnavailable."""
        ...


class ChallengeStore(Protocol):
    """Challenges that customers log in with. Every method raises StoreUnavailable."""

    async def add_challenge(self, record: ChallengeRecord) -> None:
        """Keep a new challenge."""
        ...

    async def find_challenge(self, statement_sha256: bytes) -> ChallengeRecord | None:
        """None for one that was never made, or was forgotten."""
        ...

    async def settle_challenge(
        self,
        statement_sha256: bytes,
        judge: Callable[[ChallengeRecord], tuple[ChallengeRecord, AuditEvent | None]],
    ) -> ChallengeRecord:
        """Keep what becomes of a challenge and put the event on record, in one transaction;
        returns it as it was before. Raises NotFound."""
        ...

    async def forget_challenges(self, ended_before_utc: datetime) -> int:
        """Drop challenges that had ended by then; returns how many."""
        ...
