"""Messages of a running daemon, from the act to the mailbox, read with signerctl."""

import email
import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from email.policy import default
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.fault import FaultPoint
from signerd_client import Certificate, Client
from signerd_client.error import InvalidRequest, NotFound, PermissionDenied
from signerd_client.message import Message, MessageKind, MessageState
from tests.e2e.signerctl import signerctl
from tests.e2e.waiting import wait_until

_NAME = "홍길동"
_KOREA = ZoneInfo("Asia/Seoul")
# Reminders sent by the time when so many days are left.
_EXPECTED = {29: 1, 6: 2, 1: 3}


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """A daemon whose clock may be set ahead and whose keeper may be killed."""
    settings = {
        "test.allow_clock_offset": "true",
        "test.fault_directory": '"faults"',
        "outbox.bank": '"온누리은행"',
    }
    with private_daemon(DaemonSize(fronts=1, hosts=1), settings) as running:
        (running.directory / "faults").mkdir(exist_ok=True)
        yield running


def _issue(bank: PrivateDaemon, mail: str = "hong@customer.example") -> Certificate:
    with Client(bank.target("ra-officer")) as officer:
        return officer.issue_certificate(
            f"mail-{uuid.uuid4().hex[:12]}",
            "tls-client",
            _NAME,
            email=mail,
            key_algorithm="EC_P256_SHA256",
        )


def _messages(bank: PrivateDaemon, about: Certificate) -> list[Message]:
    with Client(bank.target("operator")) as operator:
        return list(operator.list_messages(certificate=about.name))


def _wait_for(bank: PrivateDaemon, about: Certificate, kind: MessageKind) -> Message:
    def sent() -> list[Message]:
        return [
            message
            for message in _messages(bank, about)
            if (message.kind, message.state) == (kind, MessageState.SENT)
        ]

    wait_until(sent, f"{kind} is sent", 90.0)
    (message,) = sent()
    return message


def test_the_certificate_comes_by_mail(bank: PrivateDaemon) -> None:
    """The operator finds the mail, reads it, and the file in the mailbox is that mail."""
    issued = _issue(bank)
    message = _wait_for(bank, issued, MessageKind.CERTIFICATE_ISSUED)
    listed = signerctl(bank, "operator", "outbox", "list", "--certificate", issued.name)
    assert message.name in listed.stdout
    shown = signerctl(bank, "operator", "outbox", "show", message.name)
    assert "hong@customer.example" in shown.stdout
    assert "[온누리은행] 공동인증서가 발급되었습니다" in shown.stdout
    assert f"{_NAME}님" in shown.stdout
    document = json.loads(
        signerctl(bank, "operator", "outbox", "show", message.name, "-o", "json").stdout
    )
    assert document["content"]["attachments"][0].endswith(".cer")
    file = bank.directory / "mailbox" / f"{message.name.removeprefix('messages/')}.eml"
    assert file.stat().st_mode & 0o777 == 0o600
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == issued.der


def test_every_act_is_told(bank: PrivateDaemon) -> None:
    """Suspended, resumed, reissued, revoked: one message each, with what the customer must know."""
    issued = _issue(bank)
    with Client(bank.target("ra-officer")) as officer:
        officer.suspend_certificate(issued.name)
        with Client(bank.target("ra-supervisor")) as supervisor:
            supervisor.resume_certificate(issued.name)
        reissued = officer.reissue_certificate(issued.name).certificate
        officer.revoke_certificate(reissued.name, "KEY_COMPROMISE")
    held = _wait_for(bank, issued, MessageKind.CERTIFICATE_SUSPENDED)
    assert held.content is not None
    assert "효력을 회복하지 않으면 자동으로 폐지됩니다" in held.content.text
    _wait_for(bank, issued, MessageKind.CERTIFICATE_RESUMED)
    new = _wait_for(bank, reissued, MessageKind.CERTIFICATE_REISSUED)
    assert new.content is not None
    assert new.content.attachments
    revoked = _wait_for(bank, reissued, MessageKind.CERTIFICATE_REVOKED)
    assert revoked.content is not None
    assert "분실 또는 도난 신고" in revoked.content.text
    # The end of the old one is told by the message on the new one.
    assert len(_messages(bank, issued)) == 3
    assert len(_messages(bank, reissued)) == 2


def test_who_cannot_be_reached_is_no_failure(bank: PrivateDaemon) -> None:
    """Without an address a message is skipped, and says why."""
    issued = _issue(bank, mail="")

    def state() -> list[MessageState]:
        return [message.state for message in _messages(bank, issued)]

    wait_until(lambda: state() == [MessageState.SKIPPED], "the message is skipped")
    (message,) = _messages(bank, issued)
    assert message.problem.startswith("NO_ADDRESS")
    assert message.content is None


def test_only_operators_read_messages(bank: PrivateDaemon) -> None:
    """They may hold codes; and what is asked wrongly is refused with the field."""
    for identity in ("ra-officer", "signer", "auditor"):
        with Client(bank.target(identity)) as client, pytest.raises(PermissionDenied):
            next(iter(client.list_messages()))
    with Client(bank.target("operator")) as operator:
        with pytest.raises(NotFound, match="there is no message"):
            operator.get_message("0" * 32)
        with pytest.raises(InvalidRequest, match="messages/"):
            operator.get_message("messages/../../x")


def test_a_keeper_killed_after_sending_loses_and_doubles_nothing(bank: PrivateDaemon) -> None:
    """Its successor sends again, and the mailbox has the message once."""
    order = bank.directory / "faults" / FaultPoint.KEEPER_MESSAGE_SENT.value
    order.write_text("kill")
    issued = _issue(bank)
    message = _wait_for(bank, issued, MessageKind.CERTIFICATE_ISSUED)
    assert not order.exists()
    assert message.attempts == 2
    name = message.name.removeprefix("messages/")
    assert [file.name for file in (bank.directory / "mailbox").glob(f"{name}*")] == [f"{name}.eml"]


def test_reminders_come_before_expiry(bank: PrivateDaemon) -> None:
    """30, 7 and 1 days before it, once each, for a certificate that is still valid."""
    kept, revoked = _issue(bank), _issue(bank)
    with Client(bank.target("ra-officer")) as officer:
        officer.revoke_certificate(revoked.name, "CESSATION_OF_OPERATION")
    last_day, today = kept.not_after_time.astimezone(_KOREA), datetime.now(_KOREA)
    lifetime = (last_day.date() - today.date()).days
    for left, count in _EXPECTED.items():
        bank.stop()
        bank.start("--clock-offset", f"{lifetime - left}d")
        wait_until(partial(_has_reminders, bank, kept, count), f"{left} days", 90)
    assert _reminders(bank, revoked) == 0
    texts = [
        message.content.subject
        for message in _messages(bank, kept)
        if message.kind is MessageKind.CERTIFICATE_EXPIRING and message.content is not None
    ]
    assert len(texts) == 3
    assert all("만료" in text and "일 전입니다" in text for text in texts)


def _has_reminders(bank: PrivateDaemon, about: Certificate, count: int) -> bool:
    return _reminders(bank, about) == count


def _reminders(bank: PrivateDaemon, about: Certificate) -> int:
    return sum(
        (message.kind, message.state) == (MessageKind.CERTIFICATE_EXPIRING, MessageState.SENT)
        for message in _messages(bank, about)
    )
