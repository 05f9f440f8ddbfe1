"""What the outbox tests build on: letters, and a mail server that is not ours."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from signerd.core.message import Channel, MessageId, MessageKind, message_id_of
from signerd.outbox.letter import Attachment, Letter
from signerd.outbox.smtp import SmtpSecurity, SmtpServer
from signerd.outbox.template import PARAMETERS, load_templates

NOW: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BANK: Final = "온누리은행"
SENDER: Final = "no-reply@bank.example"
USER, PASSWORD = "signerd", "correct horse"
VALUES: Final[Mapping[str, str]] = {
    "bank": BANK,
    "name": "홍길동",
    "code": "042917",
    "until": "2026-03-01 18:05",
    "certificate": "5f3a9c0123456789",
    "not_before": "2026-03-01",
    "not_after": "2027-02-28",
    "limit": "2026-09-01 23:59",
    "reason": "KEY_COMPROMISE",
    "days": "7",
}


def letter_of(
    kind: MessageKind = MessageKind.CERTIFICATE_ISSUED,
    channel: Channel = Channel.EMAIL,
    *,
    language: str = "ko",
    address: str = "",
    name: str = "홍길동",
    content: bytes = b"certificate",
    message_id: MessageId | None = None,
) -> Letter:
    """A letter as a template makes it."""
    values = {key: VALUES[key] for key in PARAMETERS[kind]} | {"name": name}
    text = load_templates().language(language, "ko").write(kind, channel, values)
    is_mail = channel is Channel.EMAIL
    return Letter(
        message_id=message_id or message_id_of("test"),
        kind=kind,
        channel=channel,
        language=language,
        name=name,
        address=address or ("hong@customer.example" if is_mail else "+821012345678"),
        subject=text.subject,
        text=text.body,
        time_utc=NOW,
        attachment=Attachment("certificate.cer", "application/pkix-cert", content)
        if is_mail
        else None,
    )


@dataclass
class MailServer:
    """What a server has taken, and how it answers."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    recipient_answer: str = ""
    data_answer: str = ""

    # The names are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answer:
            return self.data_answer
        self.mails.append(envelope.original_content)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        return "250 taken"


def _authenticate(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
) -> AuthResult:
    is_right = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=is_right)


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, login: bool = False, port: int = 0
) -> Iterator[MailServer]:
    """An SMTP server on loopback; with tls it wants STARTTLS first."""
    handler = MailServer()
    more: dict[str, Any] = {"authenticator": _authenticate, "auth_required": True} if login else {}
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port or _free_port(),
        tls_context=tls,
        require_starttls=tls is not None,
        **more,
    )
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()


def server_at(port: int, **changes: Any) -> SmtpServer:
    """The settings of such a server."""
    settings: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "security": SmtpSecurity.NONE,
        "username": "",
        "password": None,
        "ca_file": None,
        "timeout_s": 20.0,
    }
    return SmtpServer(**(settings | changes))


def place(directory: Path) -> Path:
    """The mailbox of a test."""
    return directory / "mailbox"


def _free_port() -> int:
    import socket  # noqa: PLC0415 - for this line only
    from contextlib import closing  # noqa: PLC0415 - as above

    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
