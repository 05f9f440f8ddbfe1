"""Messages as files in a directory, for test harnesses: they see what subscribers would get."""

import asyncio
import contextlib
import email
import json
import os
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Final

from signerd.core.fault import FaultPoint, reach
from signerd.core.message import Channel, MessageId
from signerd.outbox.letter import DeliveryError, Letter
from signerd.outbox.mail import build_mail

_ENDINGS: Final = {Channel.EMAIL: ".eml", Channel.SMS: ".json"}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What lies in the mailbox. attachments: names of the files that came with it."""

    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    attachments: tuple[str, ...] = ()


class Mailbox:
    """MESSAGE-ID.eml for an e-mail, MESSAGE-ID.json for an SMS; readable by the daemon's user only.
    A message that is sent again takes its own place."""

    def __init__(self, directory: Path, *, bank: str, sender: str) -> None:
        self._directory = directory
        self._bank = bank
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        """See the port."""
        if letter.channel is Channel.EMAIL:
            content = build_mail(letter, bank=self._bank, sender=self._sender).as_bytes()
        else:
            sms = {"id": letter.message_id, "to": letter.address, "text": letter.text.rstrip("\n")}
            content = json.dumps(sms, ensure_ascii=False).encode()
        path = self._path(letter.message_id, letter.channel)
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as error:
            raise DeliveryError(f"mailbox: {error.strerror}", final=False) from None

    async def read(self, message_id: MessageId, channel: Channel) -> Delivered | None:
        """What was delivered; None where it is not here."""
        path = self._path(message_id, channel)
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            return None
        if channel is Channel.SMS:
            sms = json.loads(content)
            return Delivered(sms["to"], "", sms["text"])
        mail = email.message_from_bytes(content, EmailMessage, policy=default)
        body = mail.get_body(("plain",))
        return Delivered(
            address=mail["To"].addresses[0].addr_spec,
            subject=mail["Subject"],
            text="" if body is None else body.get_content(),
            attachments=tuple(part.get_filename() or "" for part in mail.iter_attachments()),
        )

    def _path(self, message_id: MessageId, channel: Channel) -> Path:
        return self._directory / f"{message_id}{_ENDINGS[channel]}"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, whenever the process dies."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - of a descriptor, for its mode
        file.write(content)
        file.flush()
        reach(FaultPoint.KEEPER_MAIL_HALF_WRITTEN)
        os.fsync(file.fileno())
    draft.replace(path)
