"""What activation needs of the store."""

from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.activation import ActivationRecord, SigningAuthorisation
from signerd.core.message import MessageDraft
from signerd.core.record import Answer, CredentialRecord
from signerd.core.value import CredentialId


class CredentialStore(Protocol):
    """Credentials."""

    async def get_credential(self, credential_id: CredentialId) -> CredentialRecord:
        """Raises NotFound, StoreUnavailable."""
        ...


class ActivationStore(Protocol):
    """What subscribers agree with. Every method raises StoreUnavailable."""

    async def find_activation(self, credential: CredentialId) -> ActivationRecord:
        """An empty record where nothing was set."""
        ...

    async def change_activation(
        self,
        credential: CredentialId,
        before: ActivationRecord,
        after: ActivationRecord,
        event: AuditEvent,
        answer: Answer,
        *,
        message: MessageDraft | None = None,
        authorisation: SigningAuthorisation | None = None,
        withdraw: bool = False,
    ) -> None:
        """One step: the record in place of the one before, a message to the subscriber, a new
        authorisation, or all of the credential withdrawn; on record, and answered; in one
        transaction.

        Raises Interrupted when the record is no longer the one before, or the call was answered.
        """
        ...
