"""E-mails, judged by Python's parser, by git and by openssl."""

import email
import json
import subprocess
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.core.message import Channel, MessageId, MessageKind
from signerd.outbox.letter import DeliveryError
from signerd.outbox.mail import build_mail
from signerd.outbox.mailbox import Mailbox
from tests.client.pki import make_identity
from tests.outbox.scenario import BANK, SENDER, letter_of, place

_ID = MessageId("0123456789abcdef0123456789abcdef")


def _parsed(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, EmailMessage, policy=default)
    assert not mail.defects
    assert not any(part.defects for part in mail.walk())
    return mail


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_korean_arrives_intact(kind: MessageKind, language: str) -> None:
    """Names, subject and text as they were written; every byte on the way is ASCII."""
    letter = letter_of(kind, language=language, message_id=_ID)
    content = build_mail(letter, bank=BANK, sender=SENDER).as_bytes()
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    mail = _parsed(content)
    (sender,), (recipient,) = mail["From"].addresses, mail["To"].addresses
    assert (sender.display_name, sender.addr_spec) == (BANK, SENDER)
    assert (recipient.display_name, recipient.addr_spec) == ("홍길동", "hong@customer.example")
    assert mail["Subject"] == letter.subject
    assert mail["Message-ID"] == f"<{_ID}@bank.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == language
    assert mail["Date"].datetime == letter.time_utc
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == letter.text


def test_git_reads_the_same(tmp_path: Path) -> None:
    """Another program that reads mail finds the Korean of header and text."""
    letter = letter_of(MessageKind.CERTIFICATE_EXPIRING)
    content = build_mail(letter, bank=BANK, sender=SENDER).as_bytes()
    done = subprocess.run(
        ["git", "mailinfo", "-k", "--encoding=UTF-8", tmp_path / "text", tmp_path / "rest"],
        input=content,
        capture_output=True,
        check=True,
    )
    head = done.stdout.decode()
    assert f"Author: {BANK}" in head
    assert f"Subject: {letter.subject}" in head
    body = (tmp_path / "text").read_text(encoding="utf-8")
    body += (tmp_path / "rest").read_text(encoding="utf-8")
    for line in letter.text.splitlines():
        assert line in body


def test_openssl_reads_the_certificate(tmp_path: Path) -> None:
    """The attachment is the certificate, under the name and type of RFC 2585."""
    certificate = make_identity("홍길동").certificate
    letter = letter_of(content=certificate.public_bytes(Encoding.DER))
    mail = _parsed(build_mail(letter, bank=BANK, sender=SENDER).as_bytes())
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pkix-cert"
    file = tmp_path / (attached.get_filename() or "")
    assert file.suffix == ".cer"
    file.write_bytes(attached.get_content())
    shown = subprocess.run(
        ["openssl", "x509", "-inform", "der", "-in", file, "-noout", "-serial"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(shown.stdout.strip().removeprefix("serial="), 16) == certificate.serial_number


@pytest.mark.parametrize("address", ["", "hong", "hong@", "a@b\r\nBcc: c@d", "a@b, c@d", "a b@c"])
def test_an_address_that_is_none_is_final(address: str) -> None:
    """Trying again would not help; the address is in no problem that operators read."""
    letter = letter_of()
    object.__setattr__(letter, "address", address)
    with pytest.raises(DeliveryError, match="BAD_ADDRESS") as refused:
        build_mail(letter, bank=BANK, sender=SENDER)
    assert refused.value.final
    assert not address or address not in refused.value.problem


def test_a_letter_shows_no_person() -> None:
    """Neither in a log nor in a traceback."""
    letter = letter_of(MessageKind.CODE)
    assert not {"홍길동", "hong", "042917"} & set(repr(letter).replace("'", " ").split())
    assert "042917" not in repr(letter)
    assert "hong" not in repr(letter)


async def test_the_mailbox_keeps_one_file_a_message(tmp_path: Path) -> None:
    """What comes again takes its own place; only the daemon's user reads it."""
    mailbox = Mailbox(place(tmp_path), bank=BANK, sender=SENDER)
    mail, sms = letter_of(), letter_of(MessageKind.CODE, Channel.SMS, message_id=_ID)
    for letter in (mail, mail, sms, sms):
        await mailbox.send(letter)
    files = sorted(place(tmp_path).iterdir())
    assert [file.name for file in files] == sorted([f"{mail.message_id}.eml", f"{_ID}.json"])
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert place(tmp_path).stat().st_mode & 0o777 == 0o700
    read = await mailbox.read(mail.message_id, Channel.EMAIL)
    assert read is not None
    assert (read.address, read.subject) == ("hong@customer.example", mail.subject)
    assert read.text.replace("\r\n", "\n") == mail.text
    assert read.attachments == ("certificate.cer",)
    code = json.loads((place(tmp_path) / f"{_ID}.json").read_text(encoding="utf-8"))
    assert code == {"id": _ID, "to": "+821012345678", "text": sms.text.rstrip("\n")}
    shown = await mailbox.read(_ID, Channel.SMS)
    assert shown is not None
    assert shown.text == code["text"]
    assert await mailbox.read(MessageId("0" * 32), Channel.SMS) is None


async def test_a_full_disk_is_told_and_tried_again(tmp_path: Path) -> None:
    """A directory that cannot be written is no reason to lose a message."""
    place(tmp_path).write_text("in the way")
    mailbox = Mailbox(place(tmp_path), bank=BANK, sender=SENDER)
    with pytest.raises(DeliveryError, match="mailbox: ") as refused:
        await mailbox.send(letter_of())
    assert not refused.value.final
