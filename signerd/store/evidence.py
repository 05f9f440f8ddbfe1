"""What subscribers prove their identity with: passwords and keys for biometric assertions."""

from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from signerd.audit.event import AuditEvent
from signerd.core.error import Interrupted, NotFound
from signerd.core.evidence import PasswordRecord
from signerd.core.record import Answer, RequestKey
from signerd.core.value import SubscriberId
from signerd.store.database import Database
from signerd.store.request import find_request, remember_answer, remember_request
from signerd.store.schema import biometric_keys, passwords
from signerd.store.stored import decoded
from signerd.store.subscriber_row import read_subscriber
from signerd.store.transaction import Transaction

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(PasswordRecord).decode


class SqlEvidenceStore:
    """`signerd.enrolment.ports.EvidenceStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_password(self, subscriber: SubscriberId) -> PasswordRecord | None:
        """See the port."""
        return await self._database.read(lambda connection: _read(connection, subscriber))

    async def change_password(
        self,
        subscriber: SubscriberId,
        before: PasswordRecord | None,
        after: PasswordRecord,
        event: AuditEvent,
        answer: Answer | None,
    ) -> None:
        """See the port."""
        now = self._database.clock.now()

        def change(transaction: Transaction) -> None:
            if answer is not None:
                remember_answer(transaction.connection, answer, now)
            _require_registered(transaction.connection, subscriber)
            write_password(transaction.connection, subscriber, before, after)
            transaction.record(event)

        await self._database.write(change)

    async def find_biometric_key(self, subscriber: SubscriberId) -> bytes | None:
        """See the port."""
        query = select(biometric_keys.c.spki).where(biometric_keys.c.subscriber_id == subscriber)
        return await self._database.read(lambda connection: connection.scalar(query))

    async def register_biometric_key(
        self, request: RequestKey, subscriber: SubscriberId, spki: bytes, event: AuditEvent
    ) -> None:
        """See the port."""
        now = self._database.clock.now()

        def register(transaction: Transaction) -> None:
            connection = transaction.connection
            if find_request(connection, request) is not None:
                return
            _require_registered(connection, subscriber)
            connection.execute(
                delete(biometric_keys).where(biometric_keys.c.subscriber_id == subscriber)
            )
            connection.execute(insert(biometric_keys).values(subscriber_id=subscriber, spki=spki))
            remember_request(connection, request, now)
            transaction.record(event)

        await self._database.write(register)


def write_password(
    connection: Connection,
    subscriber: SubscriberId,
    before: PasswordRecord | None,
    after: PasswordRecord,
) -> None:
    """Put a password's record in the place of the one that was judged. Raises Interrupted when
    that is no longer the one: of guesses made at the same moment each counts."""
    if _read(connection, subscriber, for_update=True) != before:
        raise Interrupted(
            "the password was used or changed at this moment; try again", retry_after_s=0.1
        )
    text = _encode(after).decode()
    if before is None:
        connection.execute(insert(passwords).values(subscriber_id=subscriber, record=text))
    else:
        is_theirs = passwords.c.subscriber_id == subscriber
        connection.execute(update(passwords).where(is_theirs).values(record=text))


def _read(
    connection: Connection, subscriber: SubscriberId, *, for_update: bool = False
) -> PasswordRecord | None:
    query = select(passwords.c.record).where(passwords.c.subscriber_id == subscriber)
    text = connection.scalar(query.with_for_update() if for_update else query)
    if text is None:
        return None
    with decoded(f"password of subscriber {subscriber}"):
        return _decode(text)


def _require_registered(connection: Connection, subscriber: SubscriberId) -> None:
    found = read_subscriber(connection, subscriber, for_update=True)
    if found is None or found.registered_utc is None:
        raise NotFound(f"subscribers/{subscriber} is not registered; register it first")
