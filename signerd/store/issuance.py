"""The issuance journal."""

from collections.abc import Collection, Sequence

from signerd.audit.event import AuditEvent
from signerd.core.record import (
    CertificateRecord,
    GeneratedKey,
    IssuanceDraft,
    IssuanceRecord,
    RequestKey,
)
from signerd.core.value import InstanceId, IssuanceId, TokenRef
from signerd.store import issuance_step
from signerd.store.database import Database
from signerd.store.issuance_begin import begin, find
from signerd.store.issuance_row import read_issuance


class SqlIssuanceStore:
    """`signerd.ca.ports.IssuanceStore` in SQL: one transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_issuance(self, request: RequestKey) -> IssuanceRecord | None:
        """See the port."""
        now = self._database.clock.now()
        return await self._database.read(lambda connection: find(connection, request, now))

    async def begin_issuance(
        self, draft: IssuanceDraft, *, avoid: Collection[TokenRef] = ()
    ) -> tuple[IssuanceRecord, bool]:
        """See the port. Raises ValueError for a draft that has both or neither of CKA_ID and
        SubjectPublicKeyInfo."""
        if (draft.cka_id is None) == (draft.spki is None):
            raise ValueError("an issuance is for a key on a token or for a CSR")
        now = self._database.clock.now()
        return await self._database.write(lambda transaction: begin(transaction, draft, now, avoid))

    async def get_issuance(self, issuance_id: IssuanceId) -> IssuanceRecord:
        """See the port."""
        now = self._database.clock.now()
        return await self._database.read(
            lambda connection: read_issuance(connection, issuance_id, now)
        )

    async def take_over_issuance(
        self, issuance_id: IssuanceId, owner: InstanceId, *, fresh_cka_id: bytes
    ) -> IssuanceRecord | None:
        """See the port."""
        now = self._database.clock.now()
        return await self._database.write(
            lambda transaction: issuance_step.take_over(
                transaction, issuance_id, owner, fresh_cka_id, now
            )
        )

    async def move_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        *,
        fresh_cka_id: bytes,
        avoid: Collection[TokenRef],
    ) -> IssuanceRecord | None:
        """See the port."""
        now = self._database.clock.now()
        return await self._database.write(
            lambda transaction: issuance_step.move(
                transaction, issuance_id, owner, fresh_cka_id, now, avoid=avoid
            )
        )

    async def release_issuance(
        self, issuance_id: IssuanceId, owner: InstanceId, *, in_flight: bool = True
    ) -> None:
        """See the port."""
        await self._database.write(
            lambda transaction: issuance_step.release(
                transaction, issuance_id, owner, in_flight=in_flight
            )
        )

    async def record_intent(
        self, issuance_id: IssuanceId, owner: InstanceId, *, key: GeneratedKey | None, tbs: bytes
    ) -> None:
        """See the port."""
        await self._database.write(
            lambda transaction: issuance_step.record_intent(
                transaction, issuance_id, owner, key, tbs
            )
        )

    async def complete_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        certificate: CertificateRecord,
        events: Sequence[AuditEvent],
        *,
        end_event: AuditEvent | None = None,
    ) -> CertificateRecord:
        """See the port. Raises Internal for a certificate that is not the one reserved."""
        return await self._database.write(
            lambda transaction: issuance_step.complete(
                transaction, issuance_id, owner, certificate, events, end_event=end_event
            )
        )

    async def refuse_issuance(
        self,
        issuance_id: IssuanceId,
        owner: InstanceId,
        *,
        reason: str,
        message: str,
        event: AuditEvent,
    ) -> None:
        """See the port."""
        await self._database.write(
            lambda transaction: issuance_step.refuse(
                transaction, issuance_id, owner, issuance_step.Refusal(reason, message), event
            )
        )
