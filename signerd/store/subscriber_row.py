"""Subscribers as rows."""

from typing import Any, Final

from sqlalchemy import Connection, Row, Select, exists, select

from signerd.core.record import HolderIdentity
from signerd.core.subscriber import SubscriberRecord
from signerd.core.value import SubscriberId
from signerd.store.schema import biometric_keys, passwords, subscribers
from signerd.store.stored import decoded

SELECT_SUBSCRIBER: Final[Select[Any]] = select(
    subscribers,
    exists().where(passwords.c.subscriber_id == subscribers.c.subscriber_id).label("has_password"),
    exists()
    .where(biometric_keys.c.subscriber_id == subscribers.c.subscriber_id)
    .label("has_biometric_key"),
)


def subscriber_of(row: Row[Any]) -> SubscriberRecord:
    """The record in a row of SELECT_SUBSCRIBER. Raises StoreUnavailable (STORE_CORRUPT)."""
    with decoded(f"subscriber {row.subscriber_id}"):
        return SubscriberRecord(
            subscriber=row.subscriber_id,
            real_name=row.real_name,
            branch=row.branch,
            sealed=row.sealed,
            identity=_identity_of(row),
            registered_utc=row.registered_utc,
            erased_utc=row.erased_utc,
            has_password=bool(row.has_password),
            has_biometric_key=bool(row.has_biometric_key),
        )


def read_subscriber(
    connection: Connection, subscriber: SubscriberId, *, for_update: bool = False
) -> SubscriberRecord | None:
    """None for one that never came into being. Raises StoreUnavailable (STORE_CORRUPT)."""
    query = SELECT_SUBSCRIBER.where(subscribers.c.subscriber_id == subscriber)
    if for_update:
        query = query.with_for_update(of=subscribers)
    row = connection.execute(query).one_or_none()
    return None if row is None else subscriber_of(row)


def _identity_of(row: Row[Any]) -> HolderIdentity | None:
    if row.virtual_id is None:
        return None
    return HolderIdentity(row.real_name, row.virtual_id, row.sealed_random)
