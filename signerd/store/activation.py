"""What subscribers agree with to the use of their keys, and what they agreed to."""

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, literal, select, update

from signerd.audit.event import AuditEvent
from signerd.core.activation import ActivationRecord, SigningAuthorisation
from signerd.core.error import Interrupted
from signerd.core.fault import FaultPoint, reach
from signerd.core.message import MessageDraft
from signerd.core.record import Answer
from signerd.core.value import CertificateId, CredentialId
from signerd.store.authorisation_row import (
    insert_authorisation,
    read_authorisation,
    read_counted,
)
from signerd.store.database import Database
from signerd.store.outbox_row import put_message
from signerd.store.request import remember_answer
from signerd.store.schema import (
    activations,
    authorisation_uses,
    authorisations,
    certificates,
)
from signerd.store.stored import decoded
from signerd.store.transaction import Transaction

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(ActivationRecord).decode


class SqlActivationStore:
    """`signerd.activation.ports.ActivationStore` and `signerd.signing.ports.AuthorisationStore` in
    SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_activation(self, credential: CredentialId) -> ActivationRecord:
        """See the port."""
        return await self._database.read(lambda connection: _read(connection, credential))

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
        """See the port."""
        now = self._database.clock.now()

        def change(transaction: Transaction) -> None:
            connection = transaction.connection
            remember_answer(connection, answer, now)
            _write(connection, credential, before, after)
            if withdraw:
                _withdraw(connection, credential)
            if message is not None:
                put_message(connection, message)
            if authorisation is not None:
                insert_authorisation(connection, authorisation)
            transaction.record(event)
            reach(FaultPoint.STORE_ACTIVATION_UNCOMMITTED)

        await self._database.write(change)

    async def find_authorisation(
        self, authorisation_id: str, request_id: str
    ) -> tuple[SigningAuthorisation, dict[bytes, int]] | None:
        """See the port."""

        def find(connection: Connection) -> tuple[SigningAuthorisation, dict[bytes, int]] | None:
            found = read_authorisation(connection, authorisation_id)
            if found is None:
                return None
            return found, read_counted(connection, authorisation_id, request_id)

        return await self._database.read(find)

    async def forget_authorisations(self, ended_before_utc: datetime) -> int:
        """Drop authorisations that had ended by then; returns how many."""
        over = select(authorisations.c.authorisation_id).where(
            authorisations.c.expires_utc < ended_before_utc
        )

        def forget(transaction: Transaction) -> int:
            connection = transaction.connection
            uses = delete(authorisation_uses).where(authorisation_uses.c.authorisation_id.in_(over))
            connection.execute(uses)
            gone = delete(authorisations).where(authorisations.c.expires_utc < ended_before_utc)
            return connection.execute(gone).rowcount

        return await self._database.write(forget)


def carry_activation(
    connection: Connection, old: CertificateId, new_credential: CredentialId
) -> None:
    """What the subscriber agreed with to the use of an old certificate's key counts for a new
    key."""
    carried = (
        select(literal(new_credential), activations.c.record)
        .join(certificates, certificates.c.credential_id == activations.c.credential_id)
        .where(certificates.c.certificate_id == old)
    )
    connection.execute(insert(activations).from_select(["credential_id", "record"], carried))


def _read(
    connection: Connection, credential: CredentialId, *, for_update: bool = False
) -> ActivationRecord:
    query = select(activations.c.record).where(activations.c.credential_id == credential)
    text = connection.scalar(query.with_for_update() if for_update else query)
    if text is None:
        return ActivationRecord()
    with decoded(f"the activation of credential {credential}"):
        return _decode(text)


def _write(
    connection: Connection,
    credential: CredentialId,
    before: ActivationRecord,
    after: ActivationRecord,
) -> None:
    """In the place of the record that was judged: of guesses at the same moment each counts."""
    if _read(connection, credential, for_update=True) != before:
        raise Interrupted(
            "the activation was used or changed at this moment; try again", retry_after_s=0.1
        )
    if after == before:
        return
    text = _encode(after).decode()
    is_here = activations.c.credential_id == credential
    changed = connection.execute(update(activations).where(is_here).values(record=text))
    if not changed.rowcount:
        connection.execute(insert(activations).values(credential_id=credential, record=text))


def _withdraw(connection: Connection, credential: CredentialId) -> None:
    open_ = select(authorisations.c.authorisation_id).where(
        authorisations.c.credential_id == credential
    )
    connection.execute(
        delete(authorisation_uses).where(authorisation_uses.c.authorisation_id.in_(open_))
    )
    connection.execute(delete(authorisations).where(authorisations.c.credential_id == credential))
