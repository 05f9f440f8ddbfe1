"""Enrolments: opened, carried on step by step, found, listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, tuple_, update

from signerd.audit.event import AuditEvent
from signerd.core.enrolment import (
    EnrolmentFilter,
    EnrolmentRecord,
    EnrolmentState,
    has_failures_of,
    with_failures_of,
)
from signerd.core.error import Conflict, Interrupted
from signerd.core.evidence import PasswordRecord
from signerd.core.fault import FaultPoint, reach
from signerd.core.message import MessageDraft
from signerd.core.record import Answer, Page, RequestKey
from signerd.core.value import CertificateId, EnrolmentId
from signerd.store.column import from_microseconds, to_microseconds
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.enrolment_row import (
    SELECT_ENROLMENT,
    columns_of,
    enrolment_of,
    read_enrolment,
)
from signerd.store.evidence import write_password
from signerd.store.glob import matches_any
from signerd.store.outbox_row import put_message
from signerd.store.request import find_request, remember_answer, remember_request
from signerd.store.schema import enrolments, issuances
from signerd.store.subscriber_row import read_subscriber
from signerd.store.transaction import Transaction

_WAITING: Final = (EnrolmentState.OPEN.value, EnrolmentState.AUTHORISED.value)


class SqlEnrolmentStore:
    """`signerd.enrolment.ports.EnrolmentStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_enrolment(
        self, request: RequestKey | None, record: EnrolmentRecord, event: AuditEvent
    ) -> EnrolmentRecord:
        """See the port."""
        now = self._database.clock.now()

        def open_(transaction: Transaction) -> EnrolmentRecord:
            connection = transaction.connection
            if request is not None:
                if find_request(connection, request) is not None:
                    return read_enrolment(connection, record.enrolment)
                known = select(enrolments.c.enrolment_id).where(
                    enrolments.c.enrolment_id == record.enrolment
                )
                if connection.execute(known).first() is not None:
                    raise Conflict(
                        "this request_id was used long ago; choose a new one for a new enrolment",
                        reason="REQUEST_ID_REUSED",
                        field="request_id",
                    )
                remember_request(connection, request, now)
            opened = _with_failures(connection, record)
            connection.execute(insert(enrolments).values(columns_of(opened)))
            transaction.record(event)
            reach(FaultPoint.STORE_ENROLMENT_UNCOMMITTED)
            return opened

        return await self._database.write(open_)

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
        """See the port."""
        now = self._database.clock.now()

        def change(transaction: Transaction) -> EnrolmentRecord:
            connection = transaction.connection
            if answer is not None:
                remember_answer(connection, answer, now)
            if read_enrolment(connection, before.enrolment, for_update=True) != before:
                raise Interrupted(
                    f"enrolments/{before.enrolment} went on at this moment; try again",
                    retry_after_s=0.1,
                )
            if password is not None:
                write_password(connection, before.subscriber, *password)
            if after != before:
                is_it = enrolments.c.enrolment_id == before.enrolment
                connection.execute(update(enrolments).where(is_it).values(columns_of(after)))
            if not has_failures_of(before, after):
                _tell_others(connection, after)
            if message is not None and _is_registered(connection, message):
                put_message(connection, message)
            for event in events:
                transaction.record(event)
            reach(FaultPoint.STORE_ENROLMENT_UNCOMMITTED)
            return after

        return await self._database.write(change)

    async def get_enrolment(self, enrolment: EnrolmentId) -> EnrolmentRecord:
        """See the port."""
        return await self._database.read(lambda connection: read_enrolment(connection, enrolment))

    async def find_by_support_reference(self, reference: str) -> EnrolmentRecord | None:
        """See the port."""
        query = SELECT_ENROLMENT.where(enrolments.c.support_reference == reference)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else enrolment_of(row)

    async def find_by_authorisation(self, reference_mac: bytes) -> EnrolmentRecord | None:
        """See the port."""
        query = SELECT_ENROLMENT.where(enrolments.c.reference_mac == reference_mac)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else enrolment_of(row)

    async def find_claimed(
        self, before: EnrolmentRecord, method: str, request_id: str
    ) -> CertificateId | None:
        """See the port."""
        query = select(issuances.c.certificate_id).where(
            issuances.c.subscriber_id == before.subscriber,
            issuances.c.method == method,
            issuances.c.request_id == request_id,
            issuances.c.state == "ISSUED",
        )
        return await self._database.read(lambda connection: connection.scalar(query))

    async def list_enrolments(
        self, where: EnrolmentFilter, page: Page, now_utc: datetime
    ) -> tuple[list[EnrolmentRecord], str]:
        """See the port."""
        listing = ["enrolments", where]
        query = SELECT_ENROLMENT
        columns = enrolments.c
        if page.cursor:
            opened_us, last = read_cursor(page.cursor, listing, tuple[int, str])
            place = tuple_(columns.opened_utc, columns.enrolment_id)
            query = query.where(place < tuple_(from_microseconds(opened_us), last))
        if where.subscriber is not None:
            query = query.where(columns.subscriber_id == where.subscriber)
        if where.visible_subscribers is not None:
            query = query.where(matches_any(columns.subscriber_id, where.visible_subscribers))
        if where.state is EnrolmentState.EXPIRED:
            query = query.where(
                columns.state.in_(_WAITING),
                columns.expires_utc <= now_utc,
                columns.claim_request_id == "",
            )
        elif where.state is not None:
            query = query.where(columns.state == where.state.value)
            if where.state.value in _WAITING:
                query = query.where(
                    (columns.expires_utc > now_utc) | (columns.claim_request_id != "")
                )
        query = query.order_by(columns.opened_utc.desc(), columns.enrolment_id.desc())
        rows = await self._database.read(
            lambda connection: connection.execute(query.limit(page.size + 1)).all()
        )
        records = [enrolment_of(row) for row in rows[: page.size]]
        if len(rows) <= page.size:
            return records, ""
        last_one = records[-1]
        return records, make_cursor(
            listing, [to_microseconds(last_one.opened_utc), last_one.enrolment]
        )


def _with_failures(connection: Connection, record: EnrolmentRecord) -> EnrolmentRecord:
    """A new enrolment with the failures that all of the subscriber's have."""
    latest = (
        SELECT_ENROLMENT.where(enrolments.c.subscriber_id == record.subscriber)
        .order_by(enrolments.c.opened_utc.desc())
        .limit(1)
    )
    row = connection.execute(latest).one_or_none()
    return record if row is None else with_failures_of(record, enrolment_of(row))


def _tell_others(connection: Connection, changed: EnrolmentRecord) -> None:
    """Give the subscriber's other enrolments the failures of this one; of guesses made at the same
    moment in several each counts, as the others are then no longer what was judged."""
    others = SELECT_ENROLMENT.where(
        enrolments.c.subscriber_id == changed.subscriber,
        enrolments.c.enrolment_id != changed.enrolment,
    )
    for row in connection.execute(others.with_for_update()).all():
        it = enrolment_of(row)
        is_it = enrolments.c.enrolment_id == it.enrolment
        values = columns_of(with_failures_of(it, changed))
        connection.execute(update(enrolments).where(is_it).values(values))


def _is_registered(connection: Connection, message: MessageDraft) -> bool:
    """Who was erased meanwhile is sent nothing any more."""
    found = read_subscriber(connection, message.subscriber)
    return found is not None and found.registered_utc is not None
