"""Subscribers: registered, changed, found, erased."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, exists, insert, select, update

from signerd.audit.event import AuditEvent
from signerd.core.enrolment import EnrolmentState
from signerd.core.error import Conflict, Internal, Interrupted, NotFound, WrongState
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateState
from signerd.core.record import RequestKey
from signerd.core.subscriber import Lookup, LookupKind, SubscriberRecord
from signerd.core.value import SubscriberId
from signerd.store.database import Database
from signerd.store.glob import matches_any
from signerd.store.issuance_row import is_open
from signerd.store.request import find_request, remember_request
from signerd.store.schema import (
    biometric_keys,
    certificates,
    enrolments,
    issuances,
    outbox,
    passwords,
    subscriber_lookups,
    subscribers,
)
from signerd.store.subscriber_row import SELECT_SUBSCRIBER, read_subscriber, subscriber_of
from signerd.store.transaction import Transaction

_ISSUANCE_RETRY_S: Final = 1.0
_WAITING: Final = (EnrolmentState.OPEN.value, EnrolmentState.AUTHORISED.value)


class SqlSubscriberStore:
    """`signerd.registry.ports.SubscriberStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_subscriber(self, subscriber: SubscriberId) -> SubscriberRecord | None:
        """See the port."""
        return await self._database.read(lambda connection: read_subscriber(connection, subscriber))

    async def find_by_lookup(
        self, lookup: Lookup, visible_subscribers: Sequence[str] | None, limit: int
    ) -> list[SubscriberRecord]:
        """See the port."""
        query = (
            SELECT_SUBSCRIBER.join(
                subscriber_lookups,
                subscriber_lookups.c.subscriber_id == subscribers.c.subscriber_id,
            )
            .where(
                subscriber_lookups.c.kind == lookup.kind.value,
                subscriber_lookups.c.mac == lookup.mac,
            )
            .order_by(subscribers.c.subscriber_id)
            .limit(limit)
        )
        if visible_subscribers is not None:
            query = query.where(matches_any(subscribers.c.subscriber_id, visible_subscribers))
        return await self._database.read(
            lambda connection: [subscriber_of(row) for row in connection.execute(query)]
        )

    async def has_lookup(self, subscriber: SubscriberId, lookup: Lookup) -> bool:
        """See the port."""
        query = select(
            exists().where(
                subscriber_lookups.c.subscriber_id == subscriber,
                subscriber_lookups.c.kind == lookup.kind.value,
                subscriber_lookups.c.mac == lookup.mac,
            )
        )
        return await self._database.read(
            lambda connection: bool(connection.execute(query).scalar_one())
        )

    async def register_subscriber(
        self,
        request: RequestKey,
        record: SubscriberRecord,
        lookups: Collection[Lookup],
        event: AuditEvent,
    ) -> SubscriberRecord:
        """See the port."""
        now = self._database.clock.now()

        def register(transaction: Transaction) -> SubscriberRecord:
            connection = transaction.connection
            if find_request(connection, request) is not None:
                return _read(connection, record.subscriber)
            known = read_subscriber(connection, record.subscriber, for_update=True)
            if known is not None and known.registered_utc is not None:
                raise Conflict(
                    f"subscribers/{record.subscriber} is registered already; change what is "
                    "registered with UpdateSubscriber",
                    reason="SUBSCRIBER_REGISTERED",
                    field="subscriber",
                )
            if known is None:
                connection.execute(
                    insert(subscribers).values(subscriber_id=record.subscriber, created_utc=now)
                )
            _write(connection, record)
            _put_lookups(connection, record.subscriber, lookups)
            remember_request(connection, request, now)
            transaction.record(event)
            reach(FaultPoint.STORE_CHANGE_UNCOMMITTED)
            return _read(connection, record.subscriber)

        return await self._database.write(register)

    async def update_subscriber(
        self,
        request: RequestKey,
        before: SubscriberRecord,
        after: SubscriberRecord,
        lookups: Collection[Lookup],
        event: AuditEvent,
    ) -> SubscriberRecord:
        """See the port."""
        now = self._database.clock.now()

        def change(transaction: Transaction) -> SubscriberRecord:
            connection = transaction.connection
            if find_request(connection, request) is not None:
                return _read(connection, after.subscriber)
            found = read_subscriber(connection, after.subscriber, for_update=True)
            if found != before:
                raise Interrupted(
                    f"subscribers/{after.subscriber} was changed by somebody else at this moment; "
                    "try again",
                    retry_after_s=0.1,
                )
            _write(connection, after)
            _drop_lookups(connection, after.subscriber, [lookup.kind for lookup in lookups])
            _put_lookups(connection, after.subscriber, lookups)
            remember_request(connection, request, now)
            transaction.record(event)
            reach(FaultPoint.STORE_CHANGE_UNCOMMITTED)
            return _read(connection, after.subscriber)

        return await self._database.write(change)

    async def erase_subscriber(
        self, request: RequestKey, subscriber: SubscriberId, event: AuditEvent
    ) -> SubscriberRecord:
        """See the port."""
        now = self._database.clock.now()

        def erase(transaction: Transaction) -> SubscriberRecord:
            connection = transaction.connection
            if find_request(connection, request) is not None:
                return _read(connection, subscriber)
            _require_erasable(connection, subscriber, now)
            _erase(connection, subscriber, now)
            remember_request(connection, request, now)
            transaction.record(event)
            reach(FaultPoint.STORE_CHANGE_UNCOMMITTED)
            return _read(connection, subscriber)

        return await self._database.write(erase)

    async def is_known_request(self, request: RequestKey) -> bool:
        """See the port."""
        return await self._database.read(
            lambda connection: find_request(connection, request) is not None
        )


def _read(connection: Connection, subscriber: SubscriberId) -> SubscriberRecord:
    found = read_subscriber(connection, subscriber)
    if found is None:
        raise Internal(f"subscribers/{subscriber} is gone, which nothing can bring about")
    return found


def _write(connection: Connection, record: SubscriberRecord) -> None:
    identity = record.identity
    connection.execute(
        update(subscribers)
        .where(subscribers.c.subscriber_id == record.subscriber)
        .values(
            registered_utc=record.registered_utc,
            erased_utc=record.erased_utc,
            real_name=record.real_name,
            branch=record.branch,
            sealed=record.sealed,
            virtual_id=None if identity is None else identity.virtual_id,
            sealed_random=None if identity is None else identity.sealed_random,
        )
    )


def _put_lookups(
    connection: Connection, subscriber: SubscriberId, lookups: Collection[Lookup]
) -> None:
    rows = [
        {"kind": lookup.kind.value, "mac": lookup.mac, "subscriber_id": subscriber}
        for lookup in lookups
    ]
    if rows:
        connection.execute(insert(subscriber_lookups), rows)


def _drop_lookups(
    connection: Connection, subscriber: SubscriberId, kinds: Iterable[LookupKind]
) -> None:
    connection.execute(
        delete(subscriber_lookups).where(
            subscriber_lookups.c.subscriber_id == subscriber,
            subscriber_lookups.c.kind.in_([kind.value for kind in kinds]),
        )
    )


def _require_erasable(connection: Connection, subscriber: SubscriberId, now_utc: datetime) -> None:
    found = read_subscriber(connection, subscriber, for_update=True)
    if found is None:
        raise NotFound(f"there is no subscriber {subscriber}")
    if found.registered_utc is None:
        raise WrongState(
            f"subscribers/{subscriber} is not registered, so that there is no personal data",
            reason="SUBSCRIBER_ERASED" if found.erased_utc else "SUBSCRIBER_NOT_REGISTERED",
        )
    is_theirs = certificates.c.subscriber_id == subscriber
    valid = connection.scalar(
        select(certificates.c.certificate_id)
        .where(
            is_theirs,
            certificates.c.state != CertificateState.REVOKED.value,
            certificates.c.not_after_utc >= now_utc,
        )
        .limit(1)
    )
    if valid is not None:
        raise WrongState(
            f"subscribers/{subscriber} has certificates that are valid or suspended, such as "
            f"certificates/{valid}; revoke them first",
            reason="SUBSCRIBER_HAS_CERTIFICATE",
        )
    in_making = select(issuances.c.issuance_id).where(
        issuances.c.subscriber_id == subscriber, is_open()
    )
    if connection.execute(in_making).first() is not None:
        raise Interrupted(
            f"a certificate of subscribers/{subscriber} is being made; try again once it is there, "
            "and revoked",
            reason="ISSUANCE_IN_PROGRESS",
            retry_after_s=_ISSUANCE_RETRY_S,
        )


def _erase(connection: Connection, subscriber: SubscriberId, now_utc: datetime) -> None:
    """Everything that is not in a certificate or on record, wherever it is kept."""
    _drop_lookups(connection, subscriber, LookupKind)
    _write(connection, SubscriberRecord(subscriber, erased_utc=now_utc))
    for table in (passwords, biometric_keys):
        connection.execute(delete(table).where(table.c.subscriber_id == subscriber))
    connection.execute(
        update(enrolments)
        .where(enrolments.c.subscriber_id == subscriber, enrolments.c.state.in_(_WAITING))
        .values(state=EnrolmentState.CANCELLED.value)
    )
    for table in (certificates, issuances):
        connection.execute(
            update(table)
            .where(table.c.subscriber_id == subscriber, table.c.sealed_random.is_not(None))
            .values(sealed_random=None)
        )
    connection.execute(
        delete(outbox).where(outbox.c.subscriber_id == subscriber, outbox.c.sealed.is_not(None))
    )
