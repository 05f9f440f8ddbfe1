"""What the certificate life cycle needs of tokens and store."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent, AuditRecord, EventKind
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.evidence import Failures
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import (
    CertificateChange,
    CertificateCount,
    CertificateFilter,
    CertificateRecord,
    GeneratedKey,
    HolderIdentity,
    IssuanceDraft,
    IssuanceRecord,
    Page,
    RequestKey,
    SystemKey,
)
from signerd.core.value import (
    CertificateId,
    InstanceId,
    IssuanceId,
    KeyRef,
    SubscriberId,
    TokenRef,
)


class KeyTokens(Protocol):
    """Keys on tokens. Deadlines are seconds of time.monotonic().

    Every method raises TokenUnavailable, TokenRefused, LimitExceeded or DeadlineExceeded.
    """

    async def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float, is_repeat: bool
    ) -> GeneratedKey:
        """Make a key pair. is_repeat: objects that already carry this CKA_ID, left by an
        interrupted attempt, are destroyed first, so that repeating the call is safe. False, for
        a CKA_ID that was never used, saves the search.

        Raises TokenUnavailable (HOST_LOST) when the key may have been made by a host that died:
        repeat it under another CKA_ID."""
        ...

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """Sign a digest (Ed25519: the message). ECDSA signatures are DER."""
        ...

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        """Destroy every object with this CKA_ID; returns how many there were, 0 included.
        was_made: 0 is only believed on a second look."""
        ...


class IssuanceStore(Protocol):
    """The issuance journal. Every method raises StoreUnavailable."""

    async def find_issuance(self, request: RequestKey) -> IssuanceRecord | None:
        """The issuance of an earlier call with this request id. Raises Conflict
        (REQUEST_ID_REUSED) when its content was another."""
        ...

    async def begin_issuance(
        self, draft: IssuanceDraft, *, avoid: Collection[TokenRef] = ()
    ) -> tuple[IssuanceRecord, bool]:
        """Reserve serial, key and request id in one transaction. A key that was made ahead is
        taken, where there is one; then the record has it.

        avoid: tokens that get the key only when no other has room. Returns the record and whether
        it is new. Known request id with the same content: the record as it stands. Raises
        Conflict (REQUEST_ID_REUSED) for other content; where a certificate is to be replaced,
        NotFound, WrongState as `next_state`, Interrupted (REISSUE_IN_PROGRESS) while another
        request replaces it; LimitExceeded (TOKEN_POOL_FULL) when no subscriber token has room.
        """
        ...

    async def get_issuance(self, issuance_id: IssuanceId) -> IssuanceRecord:
        """The record as it stands. Raises NotFound."""
        ...

    async def take_over_issuance(
        self, issuance_id: IssuanceId, owner: InstanceId, *, fresh_cka_id: bytes
    ) -> IssuanceRecord | None:
        """Become the owner of an open issuance whose owner is dead or has released it; None when
        someone else already did, or it is no longer open.

        In RESERVED with a key on the token, the reserved credential is retired and a new one
        reserved under fresh_cka_id on the same token (whose room it takes over): a host may still
        be making the old key, and two keys must never share a CKA_ID. Not so for a key that was
        made ahead, or when the issuance was released with in_flight false.
        """
        ...

    async def move_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        *,
        fresh_cka_id: bytes,
        avoid: Collection[TokenRef],
    ) -> IssuanceRecord | None:
        """In RESERVED: retire the reserved credential and reserve one under fresh_cka_id on a
        token that is not to be avoided; None, and nothing changed, when none has room.

        Raises Interrupted when the owner no longer owns it.
        """
        ...

    async def release_issuance(
        self, issuance_id: IssuanceId, owner: InstanceId, *, in_flight: bool = True
    ) -> None:
        """Give an open issuance up, so that a retry or the keeper can take it over at once.
        Does nothing when the owner no longer owns it.

        in_flight: a token host may still be making the reserved key. Where it is known not to,
        the next owner makes the key under the same CKA_ID, and an issuance that is tried again
        and again while its token is away does not use up the room of the pool.
        """
        ...

    async def record_intent(
        self, issuance_id: IssuanceId, owner: InstanceId, *, key: GeneratedKey | None, tbs: bytes
    ) -> None:
        """RESERVED -> INTENT. Raises Interrupted when the owner no longer owns it."""
        ...

    async def complete_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        certificate: CertificateRecord,
        events: Sequence[AuditEvent],
        *,
        end_event: AuditEvent | None = None,
    ) -> CertificateRecord:
        """INTENT -> ISSUED, certificate and audit records stored, the replaced certificate
        revoked (SUPERSEDED) and its credential retired, all in one transaction. end_event: put on
        record when it ends by this; one that was revoked before stays as it is.

        Raises Interrupted when the owner no longer owns it, WrongState as `next_state` when the
        certificate is no longer in a state to be replaced.
        """
        ...

    async def refuse_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        *,
        reason: str,
        message: str,
        event: AuditEvent,
    ) -> None:
        """RESERVED or INTENT -> REFUSED; the reserved credential is retired, so that a key
        already made is destroyed. Raises Interrupted."""
        ...


class CertificateStore(Protocol):
    """Certificates. Every method raises StoreUnavailable."""

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord:
        """Raises NotFound."""
        ...

    async def list_certificates(
        self, where: CertificateFilter, page: Page, now_utc: datetime
    ) -> tuple[list[CertificateRecord], str]:
        """A page, newest first, and the cursor of the next ("" on the last). now_utc decides
        between ACTIVE and EXPIRED. Raises InvalidRequest for a foreign cursor."""
        ...

    async def find_certificates(
        self, certificate_ids: Collection[CertificateId]
    ) -> dict[CertificateId, CertificateRecord]:
        """Those of these that there are, as they stand."""
        ...

    async def count_certificates(
        self, where: CertificateFilter, now_utc: datetime
    ) -> list[CertificateCount]:
        """How many there are of each combination that occurs. now_utc decides what is EXPIRED."""
        ...

    async def change_certificate(
        self,
        request: RequestKey | None,
        certificate_id: CertificateId,
        change: CertificateChange,
        event: AuditEvent,
    ) -> CertificateRecord:
        """Change state of certificate and credential, with request id and audit record, in one
        transaction; the certificate as it is then. The same request again: the certificate as it
        stands. request: None for what the daemon does by itself.

        Raises NotFound, WrongState as `next_state`, Conflict (REQUEST_ID_REUSED).
        """
        ...


class ChangeTrail(Protocol):
    """The audit trail, to be followed. Every method raises StoreUnavailable."""

    async def last_position(self) -> int:
        """Position of the newest record; 0 when there is none."""
        ...

    async def records_after(
        self, position: int, limit: int, kinds: Collection[EventKind] = ()
    ) -> list[AuditRecord]:
        """At most limit records stored after a position, oldest first; of these kinds, where any
        are given."""
        ...


class SystemKeyStore(Protocol):
    """The daemon's own keys. Every method raises StoreUnavailable."""

    async def get_system_keys(self) -> dict[SystemKeyRole, SystemKey]:
        """All key pairs by role; empty before init."""
        ...

    async def begin_certificate(self, role: SystemKeyRole, tbs: bytes) -> bytes:
        """Record the TBSCertificate (DER) of a key's next certificate before it is signed.

        Returns the one that is recorded: an earlier one, when it has not come to a certificate
        yet. Raises NotFound."""
        ...

    async def replace_certificate(
        self, role: SystemKeyRole, tbs: bytes, certificate: bytes, event: AuditEvent
    ) -> None:
        """Put the certificate that this TBSCertificate has become in the place of the key's old
        one, together with its audit record. Raises Interrupted when it was not recorded, or has
        come to a certificate already."""
        ...


IdentityJudge = Callable[[Failures], tuple[Failures, AuditEvent | None]]
"""Says what the wrong numbers in a row come to, and what to put on record of it, if anything."""


class IdentityStore(Protocol):
    """Identities of holders, and who has asked about them. Every method raises StoreUnavailable."""

    async def find_identity(self, subscriber: SubscriberId) -> HolderIdentity | None:
        """The identity that a subscriber was registered with; None when there is none."""
        ...

    async def identity_failures(self, certificate_id: CertificateId) -> Failures:
        """Wrong identity numbers in a row for a certificate."""
        ...

    async def judge_identity(self, certificate_id: CertificateId, judge: IdentityJudge) -> Failures:
        """Count one more question and put it on record, in one transaction; the failures before
        it. Of questions at the same moment each is judged with the failures that the other left."""
        ...
