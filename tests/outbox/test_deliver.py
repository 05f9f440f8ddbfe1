"""What the courier does with a message whose way is not straight, over a real store."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from signerd.core.message import (
    Channel,
    Contact,
    MessageDraft,
    MessageFilter,
    MessageKind,
    MessageState,
    OutboxMessage,
)
from signerd.core.record import Page
from signerd.core.value import SubscriberId
from signerd.outbox.compose import CodeNotice, compose_code
from signerd.outbox.deliver import Courier, pause_after
from signerd.outbox.letter import DeliveryError, Letter
from signerd.outbox.remind import Reminder
from signerd.outbox.sealed import SealedContent
from signerd.outbox.template import load_templates
from signerd.outbox.write import LetterWriter
from signerd.store.outbox import SqlOutbox
from tests.outbox.scenario import BANK
from tests.store.scenario import START, Bank, StandingClock, draft_of

_HOUR = timedelta(hours=1)


@dataclass
class StubbornCarrier:
    """Refuses so many times, then takes."""

    refusals: list[Exception] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    async def send(self, letter: Letter) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.letters.append(letter)


@dataclass
class KnownContacts:
    """One subscriber who is registered."""

    contact: Contact | None = None

    async def get_contact(self, _subscriber: SubscriberId) -> Contact | None:
        return self.contact


class BoundSealer:
    """Opens what was sealed for the same place; the key is none."""

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        assert deadline > time.monotonic()
        return associated + b"|" + plaintext

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        assert deadline > time.monotonic()
        place, _, plaintext = sealed.partition(b"|")
        if place != associated:
            raise ValueError("sealed for another message")
        return plaintext


@dataclass
class House:
    """A store, a carrier, and couriers between them."""

    bank: Bank
    store: SqlOutbox
    carrier: StubbornCarrier
    contacts: KnownContacts
    clock: StandingClock

    def courier(self, *, urgent: bool = False) -> Courier:
        writer = LetterWriter(
            templates=load_templates(),
            certificates=self.bank.certificates,
            contacts=self.contacts,
            unsealer=BoundSealer(),
            bank=BANK,
            language="ko",
            monotonic=time.monotonic,
        )
        carriers = dict.fromkeys(Channel, self.carrier)
        give_up = timedelta(hours=72)
        return Courier(self.store, writer, carriers, self.clock, urgent=urgent, give_up=give_up)

    async def code(self, minutes: int = 5) -> MessageDraft:
        """A one-time code in the outbox."""
        notice = CodeNotice(
            occasion="code/enrolment/1",
            subscriber=SubscriberId("hong-gildong"),
            channel=Channel.SMS,
            created_utc=self.clock.now(),
            expires_utc=self.clock.now() + timedelta(minutes=minutes),
        )
        content = SealedContent("홍길동", "+821012345678", "ko", {"code": "042917"})
        made = await compose_code(BoundSealer(), notice, content, deadline=time.monotonic() + 9)
        await self.store.put_messages([made])
        return made

    async def only(self, kind: MessageKind) -> OutboxMessage:
        """The one message of a kind."""
        (message,), _ = await self.store.list_messages(MessageFilter(kind=kind), Page(9))
        return message


@pytest.fixture
def house(bank: Bank, clock: StandingClock) -> House:
    return House(bank, SqlOutbox(bank.database), StubbornCarrier(), KnownContacts(), clock)


async def test_a_code_reaches_its_phone(house: House) -> None:
    """What was sealed for this message is opened, and the reader sees until when it counts."""
    await house.bank.issue()
    await house.code()
    assert (await house.courier(urgent=True).run_once()).taken == 1
    (letter,) = house.carrier.letters
    assert (letter.channel, letter.address) == (Channel.SMS, "+821012345678")
    assert "042917" in letter.text
    assert "18:05" in letter.text  # Korean time
    assert (await house.only(MessageKind.CODE)).state is MessageState.SENT


async def test_a_code_that_lapsed_is_never_sent(house: House) -> None:
    """Not after its time, and not when the next attempt would be after it."""
    await house.bank.issue()
    await house.code(minutes=5)
    house.clock.advance(300)
    tally = await house.courier(urgent=True).run_once()
    assert tally.problems[0].endswith("EXPIRED: too late to be sent")
    assert house.carrier.letters == []
    assert (await house.only(MessageKind.CODE)).state is MessageState.EXPIRED


async def test_a_code_is_tried_as_long_as_it_counts(house: House) -> None:
    """Again and again within its five minutes, then given up."""
    await house.bank.issue()
    await house.code(minutes=5)
    house.carrier.refusals = [DeliveryError("webhook: answered 503", final=False)] * 99
    courier = house.courier(urgent=True)
    for _ in range(300):
        await courier.run_once()
        house.clock.advance(1)
    message = await house.only(MessageKind.CODE)
    assert message.state is MessageState.EXPIRED
    assert message.problem == "webhook: answered 503"
    assert message.attempts == 6


async def test_pauses_double_up_to_an_hour() -> None:
    """From five seconds; however many attempts there were."""
    seconds = [pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 10, 11, 5000)]
    assert seconds == [5, 10, 20, 2560, 3600, 3600]


async def test_a_notice_is_given_up_after_days(house: House) -> None:
    """FAILED with the last problem, for the operator to see."""
    await house.bank.issue()
    house.carrier.refusals = [DeliveryError("SMTP: Connection refused", final=False)] * 999
    courier = house.courier()
    for _ in range(75):
        await courier.run_once()
        house.clock.advance(3600)
    message = await house.only(MessageKind.CERTIFICATE_ISSUED)
    assert (message.state, message.problem) == (MessageState.FAILED, "SMTP: Connection refused")
    assert 71 <= message.attempts <= 75


async def test_a_final_refusal_ends_it(house: House) -> None:
    """No second attempt."""
    await house.bank.issue()
    house.carrier.refusals = [DeliveryError("SMTP: recipient refused with 550", final=True)]
    await house.courier().run_once()
    message = await house.only(MessageKind.CERTIFICATE_ISSUED)
    assert (message.state, message.attempts) == (MessageState.FAILED, 1)


async def test_a_defect_keeps_back_no_other_message(house: House) -> None:
    """It is tried again later; neither the rest nor the log gets its text."""
    for _ in range(2):
        await house.bank.issue()
        house.clock.advance(1)
    house.carrier.refusals = [RuntimeError("hong@customer.example")]
    tally = await house.courier().run_once()
    assert len(house.carrier.letters) == 1
    (problem,) = tally.problems
    assert problem.endswith("INTERNAL: RuntimeError")


async def test_the_registered_contact_comes_first(house: House) -> None:
    """Its language too; without an e-mail address an SMS goes out, without a file."""
    await house.bank.issue()
    house.contacts.contact = Contact("Hong", phone="+821055556666", language="en")
    await house.courier().run_once()
    (letter,) = house.carrier.letters
    assert (letter.channel, letter.address) == (Channel.SMS, "+821055556666")
    assert (letter.language, letter.attachment) == ("en", None)
    assert (await house.only(MessageKind.CERTIFICATE_ISSUED)).draft.channel is Channel.SMS


async def test_the_certificate_tells_whom_to_write_to(house: House) -> None:
    """Who is not registered is reached by what stands in the certificate, under the name alone."""
    issued = await house.bank.issue()
    await house.courier().run_once()
    (letter,) = house.carrier.letters
    assert (letter.name, letter.address) == ("홍길동", "h@example.com")
    assert letter.attachment is not None
    assert letter.attachment.content == issued.der


async def test_a_reminder_that_is_no_longer_true_is_skipped(house: House) -> None:
    """The certificate was revoked between the making of the message and its sending."""
    issued = await house.bank.issue(draft_of(not_after_utc=START + timedelta(days=40)))
    house.clock.advance(11 * 86_400)
    assert await Reminder(house.store, house.clock).run_once() == 1
    await house.bank.revoke(issued.certificate_id)
    await house.courier().run_once()
    message = await house.only(MessageKind.CERTIFICATE_EXPIRING)
    assert message.state is MessageState.SKIPPED
    assert message.problem.startswith("NOT_ACTIVE")


@pytest.mark.parametrize(
    ("lifetime_days", "after_days", "made"),
    [
        (365, 334, 0),  # 31 days are left
        (365, 335, 1),  # 30
        (365, 358, 1),  # 7: only the one that is due now
        (365, 364, 1),
        (365, 366, 0),
        (20, 1, 0),  # made when 30 days would have been too late already
        (20, 13, 1),
        (6, 5, 1),
        (1, 0, 0),
    ],
)
async def test_reminders_are_due_by_korean_days(
    house: House, lifetime_days: int, after_days: int, made: int
) -> None:
    """The last one that is due, once, however often and on whatever hour of the day is looked."""
    end = START + timedelta(days=lifetime_days)
    await house.bank.issue(draft_of(not_after_utc=end.replace(hour=14, minute=59, second=59)))
    reminder = Reminder(house.store, house.clock)
    house.clock.advance(after_days * 86_400)
    assert await reminder.run_once() == made
    house.clock.time = house.clock.time.replace(hour=14)
    assert await reminder.run_once() == 0


async def test_a_reissued_certificate_is_not_reminded_of(house: House) -> None:
    """Neither the suspended nor the revoked one."""
    end = START + timedelta(days=40)
    first, second = [await house.bank.issue(draft_of(not_after_utc=end)) for _ in range(2)]
    await house.bank.revoke(first.certificate_id)
    await house.bank.suspend(second.certificate_id)
    house.clock.advance(11 * 86_400)
    assert await Reminder(house.store, house.clock).run_once() == 0
