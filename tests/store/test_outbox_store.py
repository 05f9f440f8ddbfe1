"""What comes into the outbox, and what is taken, settled, listed and forgotten."""

from datetime import timedelta

import pytest

from signerd.audit.event import EventKind
from signerd.core.error import InvalidRequest, NotFound, WrongState
from signerd.core.lifecycle import CertificateAct
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
from signerd.core.value import SubscriberId
from signerd.store.outbox import SqlOutbox
from tests.store.scenario import START, Bank, certificate_for, draft_of, event_of, key_of

_ALL = Page(100)
_LATER = START + timedelta(minutes=1)


@pytest.fixture
def outbox(bank: Bank) -> SqlOutbox:
    return SqlOutbox(bank.database)


async def _messages(outbox: SqlOutbox, where: MessageFilter | None = None) -> list[OutboxMessage]:
    found, _ = await outbox.list_messages(where or MessageFilter(), _ALL)
    return found


async def _complete(bank: Bank, old: CertificateRecord, kind: EventKind) -> CertificateRecord:
    act = CertificateAct.RENEW if kind is EventKind.CERTIFICATE_RENEWED else CertificateAct.REISSUE
    record, _ = await bank.issuances.begin_issuance(draft_of(replaces=old.certificate_id, act=act))
    draft = record.draft
    await bank.issuances.record_intent(
        draft.issuance_id, record.owner, key=key_of(draft), tbs=b"tbs"
    )
    return await bank.issuances.complete_issuance(
        draft.issuance_id,
        record.owner,
        certificate_for(record, bank.clock.now()),
        [event_of(kind)],
        end_event=event_of(EventKind.CERTIFICATE_REVOKED, reason="SUPERSEDED"),
    )


async def test_every_act_tells_the_subscriber_once(bank: Bank, outbox: SqlOutbox) -> None:
    """Issue, suspend, resume, suspend again, revoke: each a message, without personal data."""
    issued = await bank.issue()
    for act in (bank.suspend, bank.resume, bank.suspend, bank.revoke):
        bank.clock.advance(1)
        await act(issued.certificate_id)
    messages = await _messages(outbox, MessageFilter(certificate=issued.certificate_id))
    assert [message.draft.kind for message in reversed(messages)] == [
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_SUSPENDED,
        MessageKind.CERTIFICATE_RESUMED,
        MessageKind.CERTIFICATE_SUSPENDED,
        MessageKind.CERTIFICATE_REVOKED,
    ]
    for message in messages:
        assert (message.state, message.attempts) == (MessageState.PENDING, 0)
        assert message.draft.subscriber == issued.subscriber
        assert message.draft.sealed is None
        assert "홍길동" not in repr(message)
        assert "@" not in repr(message)


@pytest.mark.parametrize("kind", [EventKind.CERTIFICATE_REISSUED, EventKind.CERTIFICATE_RENEWED])
async def test_a_replacement_is_one_message(bank: Bank, outbox: SqlOutbox, kind: EventKind) -> None:
    """About the new certificate; the end of the old one is part of it."""
    old = await bank.issue()
    new = await _complete(bank, old, kind)
    told = await _messages(outbox, MessageFilter(certificate=new.certificate_id))
    assert [message.draft.kind.value for message in told] == [kind.value]
    of_old = await _messages(outbox, MessageFilter(certificate=old.certificate_id))
    assert [message.draft.kind for message in of_old] == [MessageKind.CERTIFICATE_ISSUED]


async def test_what_does_not_happen_is_not_told(bank: Bank, outbox: SqlOutbox) -> None:
    """A change that is refused leaves no message."""
    issued = await bank.issue()
    with pytest.raises(WrongState):
        await bank.resume(issued.certificate_id)
    assert [m.draft.kind for m in await _messages(outbox)] == [MessageKind.CERTIFICATE_ISSUED]


async def test_an_occasion_is_told_once(bank: Bank, outbox: SqlOutbox) -> None:
    """The same words put in twice are one message with one id."""
    await bank.issue()
    draft = _code("code/1")
    assert await outbox.put_messages([draft, draft]) == 1
    assert await outbox.put_messages([draft]) == 0
    (message,) = await _messages(outbox, MessageFilter(kind=MessageKind.CODE))
    assert message.draft == draft
    assert message.message_id == draft.message_id
    assert (await outbox.get_message(draft.message_id)) == message


async def test_what_is_taken_is_not_taken_again(bank: Bank, outbox: SqlOutbox) -> None:
    """Until its time comes; codes and notices apart; the longest due first."""
    await bank.issue()
    await outbox.put_messages([_code(f"code/{number}", number) for number in (3, 1, 2)])
    due = START + timedelta(seconds=10)
    taken = await outbox.take_due(due, 2, urgent=True, again_utc=_LATER)
    assert [message.draft.occasion for message in taken] == ["code/1", "code/2"]
    assert [message.attempts for message in taken] == [1, 1]
    (third,) = await outbox.take_due(due, 9, urgent=True, again_utc=_LATER)
    assert third.draft.occasion == "code/3"
    assert await outbox.take_due(due, 9, urgent=True, again_utc=_LATER) == []
    (notice,) = await outbox.take_due(due, 9, urgent=False, again_utc=_LATER)
    assert notice.draft.kind is MessageKind.CERTIFICATE_ISSUED
    again = await outbox.take_due(_LATER, 9, urgent=True, again_utc=_LATER + timedelta(hours=1))
    assert [message.attempts for message in again] == [2, 2, 2]


async def test_what_a_dead_process_had_taken_is_released(bank: Bank, outbox: SqlOutbox) -> None:
    """At once, and not what waits for another reason."""
    await bank.issue()
    await outbox.put_messages([_code("code/1"), _code("code/2")])
    first, second = await outbox.take_due(START, 9, urgent=True, again_utc=_LATER)
    await outbox.try_again(first.message_id, _LATER, "webhook: answered 503")
    await outbox.release_taken(START, urgent=False)
    assert await outbox.take_due(START, 9, urgent=True, again_utc=_LATER) == []
    await outbox.release_taken(START, urgent=True)
    (released,) = await outbox.take_due(START, 9, urgent=True, again_utc=_LATER)
    assert released.message_id == second.message_id


async def test_a_clock_set_back_keeps_no_message(bank: Bank, outbox: SqlOutbox) -> None:
    """What was put off by a clock that was far ahead is due."""
    await bank.issue()
    await outbox.put_messages([_code("code/1")])
    (message,) = await outbox.take_due(START, 9, urgent=True, again_utc=START + timedelta(days=300))
    (again,) = await outbox.take_due(START, 9, urgent=True, again_utc=_LATER)
    assert again.message_id == message.message_id


@pytest.mark.parametrize(
    "state", [MessageState.SENT, MessageState.FAILED, MessageState.SKIPPED, MessageState.EXPIRED]
)
async def test_what_is_final_stays(bank: Bank, outbox: SqlOutbox, state: MessageState) -> None:
    """A process that was taken for dead and comes back changes nothing."""
    await bank.issue()
    await outbox.put_messages([_code("code/1")])
    (message,) = await outbox.take_due(START, 9, urgent=True, again_utc=_LATER)
    if state is MessageState.SENT:
        await outbox.settle_sent(message.message_id, Channel.SMS, _LATER)
    else:
        await outbox.settle_unsent(message.message_id, state, "why")
    settled = await outbox.get_message(message.message_id)
    assert settled.state is state
    assert settled.draft.sealed is None
    assert settled.problem == ("" if state is MessageState.SENT else "why")
    await outbox.settle_unsent(message.message_id, MessageState.FAILED, "late")
    await outbox.try_again(message.message_id, START, "late")
    assert await outbox.get_message(message.message_id) == settled
    assert await outbox.take_due(START + timedelta(days=9), 9, urgent=True, again_utc=_LATER) == []


async def test_messages_are_listed_in_pages(bank: Bank, outbox: SqlOutbox) -> None:
    """Newest first, none twice; a cursor is good for its own filter only."""
    await bank.issue()
    await outbox.put_messages([_code(f"code/{number}", number % 2) for number in range(5)])
    where = MessageFilter(kind=MessageKind.CODE, subscriber=SubscriberId("hong-gildong"))
    seen: list[OutboxMessage] = []
    cursor = ""
    while True:
        page, cursor = await outbox.list_messages(where, Page(2, cursor))
        seen += page
        if not cursor:
            break
        with pytest.raises(InvalidRequest):
            await outbox.list_messages(MessageFilter(), Page(2, cursor))
    assert len({message.message_id for message in seen}) == len(seen) == 5
    times = [message.draft.created_utc for message in seen]
    assert times == sorted(times, reverse=True)
    assert await _messages(outbox, MessageFilter(state=MessageState.SENT)) == []


async def test_old_messages_are_forgotten(bank: Bank, outbox: SqlOutbox) -> None:
    """Those that are done, and none that waits."""
    await bank.issue()
    await outbox.put_messages([_code("code/1"), _code("code/2"), _code("code/3", 60)])
    for occasion in ("code/1", "code/3"):
        await outbox.settle_sent(_code(occasion).message_id, Channel.SMS, _LATER)
    assert await outbox.forget_messages(START + timedelta(seconds=30)) == 1
    with pytest.raises(NotFound, match="retention_days"):
        await outbox.get_message(_code("code/1").message_id)
    kept = await _messages(outbox, MessageFilter(kind=MessageKind.CODE))
    assert {message.draft.occasion for message in kept} == {"code/2", "code/3"}
    with pytest.raises(NotFound):
        await outbox.get_message(MessageId("0" * 32))


def _code(occasion: str, seconds: int = 0) -> MessageDraft:
    made = START + timedelta(seconds=seconds)
    return MessageDraft(
        occasion=occasion,
        kind=MessageKind.CODE,
        subscriber=SubscriberId("hong-gildong"),
        created_utc=made,
        channel=Channel.SMS,
        sealed=b"sealed",
        expires_utc=made + timedelta(minutes=5),
    )
