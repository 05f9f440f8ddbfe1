"""What enrolment needs of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent, AuditFilter, AuditRecord
from signerd.core.enrolment import EnrolmentFilter, EnrolmentRecord
from signerd.core.evidence import PasswordRecord
from signerd.core.message import MessageDraft
from signerd.core.record import Answer, Page, RequestKey
from signerd.core.value import CertificateId, EnrolmentId, SubscriberId


class EnrolmentStore(Protocol):
    """Enrolments. Every method raises StoreUnavailable."""

    async def open_enrolment(
        self, request: RequestKey | None, record: EnrolmentRecord, event: AuditEvent
    ) -> EnrolmentRecord:
        """Store a new enrolment; the same request again: the enrolment as it stands. request: None
        for one that was refused. Raises Conflict (REQUEST_ID_REUSED)."""
        ...

    async def change_enrolment(
        self,
        before: EnrolmentRecord,
        after: EnrolmentRecord,
        events: Sequence[AuditEvent],
        *,
        password: tuple[PasswordRecord, PasswordRecord] | None = None,
        message: MessageDraft | None = None,
        answer: Answer | None = None,
    ) -> EnrolmentRecord:
        """One step: the enrolment in place of the one before, what the password's record has
        become, a message to the subscriber, what is answered, and all of it on record, in one
        transaction.

        Raises NotFound; Interrupted when enrolment or password are no longer the ones before, or
        the call was answered.
        """
        ...

    async def get_enrolment(self, enrolment: EnrolmentId) -> EnrolmentRecord:
        """Raises NotFound."""
        ...

    async def find_by_support_reference(self, reference: str) -> EnrolmentRecord | None:
        """None when there is none."""
        ...

    async def find_by_authorisation(self, reference_mac: bytes) -> EnrolmentRecord | None:
        """By the keyed hash of the reference number of its latest authorisation."""
        ...

    async def find_claimed(
        self, before: EnrolmentRecord, method: str, request_id: str
    ) -> CertificateId | None:
        """The certificate that was issued to the subscriber by this request, also after request
        ids of its time were forgotten."""
        ...

    async def list_enrolments(
        self, where: EnrolmentFilter, page: Page, now_utc: datetime
    ) -> tuple[list[EnrolmentRecord], str]:
        """A page, newest first, and the cursor of the next ("" on the last). Raises
        InvalidRequest (INVALID_PAGE_TOKEN)."""
        ...


class EvidenceStore(Protocol):
    """What subscribers prove their identity with. Every method raises StoreUnavailable; those that
    change something raise NotFound for a subscriber who is not registered."""

    async def find_password(self, subscriber: SubscriberId) -> PasswordRecord | None:
        """None where none is set."""
        ...

    async def change_password(
        self,
        subscriber: SubscriberId,
        before: PasswordRecord | None,
        after: PasswordRecord,
        event: AuditEvent,
        answer: Answer | None,
    ) -> None:
        """Raises Interrupted when the record is no longer the one before, or the call was
        answered."""
        ...

    async def find_biometric_key(self, subscriber: SubscriberId) -> bytes | None:
        """SubjectPublicKeyInfo, DER; None where none is registered."""
        ...

    async def register_biometric_key(
        self, request: RequestKey, subscriber: SubscriberId, spki: bytes, event: AuditEvent
    ) -> None:
        """In place of an earlier one. Raises Conflict (REQUEST_ID_REUSED)."""
        ...


class Story(Protocol):
    """The audit trail, in which every step of an enrolment stands under its resource name."""

    async def list_records(self, where: AuditFilter, page: Page) -> tuple[list[AuditRecord], str]:
        """A page, oldest first, and the cursor of the next. Raises StoreUnavailable."""
        ...
