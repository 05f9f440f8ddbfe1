"""Identities of holders, and the wrong numbers that were tried on them."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select, update

from signerd.audit.event import AuditEvent
from signerd.core.evidence import Failures
from signerd.core.record import HolderIdentity
from signerd.core.value import CertificateId, SubscriberId
from signerd.store.database import Database
from signerd.store.schema import identity_failures
from signerd.store.subscriber_row import read_subscriber
from signerd.store.transaction import Transaction


class SqlIdentityStore:
    """`signerd.ca.ports.IdentityStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_identity(self, subscriber: SubscriberId) -> HolderIdentity | None:
        """See the port."""

        def find(connection: Connection) -> HolderIdentity | None:
            found = read_subscriber(connection, subscriber)
            return None if found is None else found.identity

        return await self._database.read(find)

    async def identity_failures(self, certificate_id: CertificateId) -> Failures:
        """See the port."""
        return await self._database.read(lambda connection: _failures(connection, certificate_id))

    async def judge_identity(
        self,
        certificate_id: CertificateId,
        judge: Callable[[Failures], tuple[Failures, AuditEvent | None]],
    ) -> Failures:
        """See the port."""

        def settle(transaction: Transaction) -> Failures:
            connection = transaction.connection
            before = _failures(connection, certificate_id)
            after, event = judge(before)
            if after != before:
                _keep(connection, certificate_id, before, after)
            if event is not None:
                transaction.record(event)
            return before

        return await self._database.write(settle)


def _failures(connection: Connection, certificate_id: CertificateId) -> Failures:
    row = connection.execute(
        select(identity_failures.c.failures, identity_failures.c.release_utc)
        .where(identity_failures.c.certificate_id == certificate_id)
        .with_for_update()
    ).one_or_none()
    return Failures() if row is None else Failures(row.failures, row.release_utc)


def _keep(
    connection: Connection, certificate_id: CertificateId, before: Failures, after: Failures
) -> None:
    is_here = identity_failures.c.certificate_id == certificate_id
    values = {"failures": after.count, "release_utc": after.release_utc}
    if after == Failures():
        connection.execute(delete(identity_failures).where(is_here))
    elif before == Failures():
        connection.execute(
            insert(identity_failures).values(certificate_id=certificate_id, **values)
        )
    else:
        connection.execute(update(identity_failures).where(is_here).values(**values))
