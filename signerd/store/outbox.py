"""The outbox: messages taken, settled, put in, listed, forgotten."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from signerd.core.error import NotFound
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateState
from signerd.core.message import (
    Channel,
    MessageDraft,
    MessageFilter,
    MessageId,
    MessageKind,
    MessageState,
    OutboxMessage,
)
from signerd.core.record import CertificateRecord, Page
from signerd.store.certificate_row import SELECT_CERTIFICATE, certificate_of
from signerd.store.column import from_microseconds, to_microseconds
from signerd.store.cursor import make_cursor, read_cursor
from signerd.store.database import Database
from signerd.store.outbox_row import SELECT_MESSAGE, message_of, put_message
from signerd.store.schema import certificates, outbox
from signerd.store.transaction import Transaction

_PENDING: Final = MessageState.PENDING.value
# Bounds how long one clean-up keeps signatures waiting.
_CHUNK: Final = 500
# The problem of a message that is being sent, until it is known how that went.
_TAKEN: Final = "INTERRUPTED: the process that was sending it has died"
# Nothing waits so long for its next attempt: it was put off by a clock that has been set back.
_TOO_FAR: Final = timedelta(days=1)


class SqlOutbox:
    """`signerd.outbox.ports.OutboxStore` in SQL, and what Admin shows of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def release_taken(self, now_utc: datetime, *, urgent: bool) -> None:
        """See the port."""
        is_taken = and_(outbox.c.state == _PENDING, _is_of(urgent), outbox.c.problem == _TAKEN)

        def release(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(outbox).where(is_taken).values(next_attempt_utc=now_utc)
            )

        await self._database.write(release)

    async def take_due(
        self, now_utc: datetime, limit: int, *, urgent: bool, again_utc: datetime
    ) -> list[OutboxMessage]:
        """See the port."""
        is_due = and_(
            outbox.c.state == _PENDING,
            _is_of(urgent),
            or_(
                outbox.c.next_attempt_utc <= now_utc, outbox.c.next_attempt_utc > now_utc + _TOO_FAR
            ),
        )
        is_anything = select(exists().where(is_due))
        # A write would wait for other processes, and mostly there is nothing to do.
        if not await self._database.read(
            lambda connection: bool(connection.execute(is_anything).scalar_one())
        ):
            return []

        def take(transaction: Transaction) -> list[OutboxMessage]:
            connection = transaction.connection
            query = SELECT_MESSAGE.where(is_due).order_by(outbox.c.next_attempt_utc).limit(limit)
            ids = [row.message_id for row in connection.execute(query.with_for_update())]
            is_taken = outbox.c.message_id.in_(ids)
            connection.execute(
                update(outbox)
                .where(is_taken)
                .values(attempts=outbox.c.attempts + 1, next_attempt_utc=again_utc, problem=_TAKEN)
            )
            reach(FaultPoint.KEEPER_TAKE_UNCOMMITTED)
            taken = SELECT_MESSAGE.where(is_taken).order_by(outbox.c.created_utc)
            return [message_of(row) for row in connection.execute(taken)]

        return await self._database.write(take)

    async def settle_sent(
        self, message_id: MessageId, channel: Channel, sent_utc: datetime
    ) -> None:
        """See the port."""
        await self._settle(
            message_id,
            {
                "state": MessageState.SENT.value,
                "channel": channel.value,
                "sent_utc": sent_utc,
                "problem": "",
                "sealed": None,
            },
        )

    async def settle_unsent(self, message_id: MessageId, state: MessageState, problem: str) -> None:
        """See the port."""
        values: dict[str, object] = {"state": state.value, "problem": problem, "sealed": None}
        await self._settle(message_id, values)

    async def try_again(self, message_id: MessageId, again_utc: datetime, problem: str) -> None:
        """See the port."""
        await self._settle(message_id, {"next_attempt_utc": again_utc, "problem": problem})

    async def put_messages(self, drafts: Sequence[MessageDraft]) -> int:
        """See the port."""

        def put(transaction: Transaction) -> int:
            count = sum(put_message(transaction.connection, draft) for draft in drafts)
            reach(FaultPoint.KEEPER_REMINDERS_UNCOMMITTED)
            return count

        return await self._database.write(put)

    async def list_without_reminder(
        self, notice: int, since_utc: datetime, until_utc: datetime, limit: int
    ) -> list[CertificateRecord]:
        """See the port; soonest to expire first."""
        columns = certificates.c
        occasion = (
            literal(f"{MessageKind.CERTIFICATE_EXPIRING.value}/")
            + columns.certificate_id
            + literal(f"/{notice}")
        )
        lifetime = type_coerce(columns.not_after_utc, BigInteger) - type_coerce(
            columns.created_utc, BigInteger
        )
        query = (
            SELECT_CERTIFICATE.where(
                columns.state == CertificateState.ACTIVE.value,
                columns.not_after_utc > since_utc,
                columns.not_after_utc <= until_utc,
                lifetime > timedelta(days=notice + 1) // timedelta(microseconds=1),
                ~exists().where(outbox.c.occasion == occasion),
            )
            .order_by(columns.not_after_utc)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [certificate_of(row) for row in connection.execute(query)]
        )

    async def forget_messages(self, older_than_utc: datetime) -> int:
        """See the port."""
        old = (
            select(outbox.c.message_id)
            .where(outbox.c.created_utc < older_than_utc, outbox.c.state != _PENDING)
            .limit(_CHUNK)
        )

        def forget(transaction: Transaction) -> int:
            return transaction.connection.execute(
                delete(outbox).where(outbox.c.message_id.in_(old))
            ).rowcount

        total = 0
        while (count := await self._database.write(forget)) > 0:
            total += count
        return total

    async def get_message(self, message_id: MessageId) -> OutboxMessage:
        """One message. Raises NotFound, StoreUnavailable."""
        query = SELECT_MESSAGE.where(outbox.c.message_id == message_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound(
                f"there is no message {message_id}; messages are forgotten some time after they "
                "were sent ([outbox] retention_days)"
            )
        return message_of(row)

    async def list_messages(
        self, where: MessageFilter, page: Page
    ) -> tuple[list[OutboxMessage], str]:
        """A page, newest first, and the cursor of the next ("" on the last). Raises InvalidRequest
        (INVALID_PAGE_TOKEN) for a foreign cursor, StoreUnavailable."""
        listing = ["messages", where]
        key = tuple_(outbox.c.created_utc, outbox.c.message_id)
        query = SELECT_MESSAGE.where(*_conditions(where))
        if page.cursor:
            moment, message_id = read_cursor(page.cursor, listing, tuple[int, str])
            query = query.where(key < (from_microseconds(moment), message_id))
        query = query.order_by(outbox.c.created_utc.desc(), outbox.c.message_id.desc()).limit(
            page.size + 1
        )
        messages = await self._database.read(
            lambda connection: [message_of(row) for row in connection.execute(query)]
        )
        if len(messages) <= page.size:
            return messages, ""
        last = messages[page.size - 1]
        place = (to_microseconds(last.draft.created_utc), last.message_id)
        return messages[: page.size], make_cursor(listing, place)

    async def _settle(self, message_id: MessageId, values: dict[str, object]) -> None:
        def settle(transaction: Transaction) -> None:
            _settle_in(transaction.connection, message_id, values)
            reach(FaultPoint.KEEPER_SETTLE_UNCOMMITTED)

        await self._database.write(settle)


def _is_of(urgent: bool) -> ColumnElement[bool]:  # noqa: FBT001 - as the port says it
    code = MessageKind.CODE.value
    return outbox.c.kind == code if urgent else outbox.c.kind != code


def _settle_in(connection: Connection, message_id: MessageId, values: dict[str, object]) -> None:
    """Whoever was taken for dead and comes back changes nothing that is final."""
    connection.execute(
        update(outbox)
        .where(outbox.c.message_id == message_id, outbox.c.state == _PENDING)
        .values(**values)
    )


def _conditions(where: MessageFilter) -> Iterator[ColumnElement[bool]]:
    if where.subscriber is not None:
        yield outbox.c.subscriber_id == where.subscriber
    if where.certificate is not None:
        yield outbox.c.certificate_id == where.certificate
    if where.kind is not None:
        yield outbox.c.kind == where.kind.value
    if where.state is not None:
        yield outbox.c.state == where.state.value
