"""E-mail by SMTP (RFC 5321)."""

import asyncio
import re
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Final

from signerd.config.secret_source import Secret
from signerd.outbox.letter import DeliveryError, Letter
from signerd.outbox.mail import build_mail

_PERMANENT: Final = 500
_THREADS: Final = 16
# RFC 3463. Of a server's words only this is kept: it likes to repeat the address.
_ENHANCED: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


class SmtpSecurity(StrEnum):
    """STARTTLS: upgrade or give up (RFC 3207). TLS: from the first byte (RFC 8314)."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where e-mail is handed in. username: empty to hand in without; ca_file: None for the CAs of
    the system; timeout_s: of each step."""

    host: str
    port: int
    security: SmtpSecurity
    username: str
    password: Secret | None
    ca_file: Path | None
    timeout_s: float


class SmtpCarrier:
    """Hands e-mails to a server, one connection each."""

    def __init__(self, server: SmtpServer, *, bank: str, sender: str) -> None:
        self._server = server
        self._bank = bank
        self._sender = sender
        # Of its own: a server that hangs takes no thread from anybody else.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="smtp")

    async def send(self, letter: Letter) -> None:
        """See the port."""
        mail = build_mail(letter, bank=self._bank, sender=self._sender)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._hand_in, mail)

    def check(self) -> None:
        """Connect and log in, and hand nothing in. Raises DeliveryError."""
        client = self._connect()
        with suppress(smtplib.SMTPException, OSError):
            client.quit()

    def _hand_in(self, mail: EmailMessage) -> None:
        client = self._connect()
        try:
            client.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _refused("recipient", code, answer, final=code >= _PERMANENT) from None
        except smtplib.SMTPDataError as error:
            is_final = error.smtp_code >= _PERMANENT
            raise _refused("message", error.smtp_code, error.smtp_error, final=is_final) from None
        except smtplib.SMTPNotSupportedError:
            problem = "SMTP: the server does not take addresses with such characters"
            raise DeliveryError(problem, final=True) from None
        except (smtplib.SMTPException, OSError) as error:
            raise _failed(error) from None
        finally:
            # It is handed in, or it is not: how the connection ends changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        try:
            context = ssl.create_default_context(cafile=server.ca_file)
            name = socket.gethostname() or "localhost"
            if server.security is SmtpSecurity.TLS:
                client: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, name, timeout=server.timeout_s, context=context
                )
            else:
                client = smtplib.SMTP(server.host, server.port, name, timeout=server.timeout_s)
        except (smtplib.SMTPException, OSError) as error:
            raise _failed(error) from None
        try:
            if server.security is SmtpSecurity.STARTTLS:
                client.starttls(context=context)
            if server.username and server.password is not None:
                client.login(server.username, server.password.reveal())
        except smtplib.SMTPServerDisconnected:
            client.close()
            problem = "SMTP: the server ended the connection at STARTTLS or login"
            raise DeliveryError(problem, final=False) from None
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise _failed(error) from None
        return client


def _refused(what: str, code: int, answer: bytes | str, *, final: bool) -> DeliveryError:
    found = _ENHANCED.match(answer if isinstance(answer, bytes) else answer.encode())
    enhanced = f" {found[0].decode()}" if found else ""
    return DeliveryError(f"SMTP: {what} refused with {code}{enhanced}", final=final)


def _failed(error: Exception) -> DeliveryError:
    """What may be different the next time, once a server or its configuration has been mended."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _refused("user name and password", error.smtp_code, error.smtp_error, final=False)
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refused("sender", error.smtp_code, error.smtp_error, final=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused("connection", error.smtp_code, error.smtp_error, final=False)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        problem = "SMTP: the server does not offer the configured security or login"
        return DeliveryError(problem, final=False)
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"SMTP: certificate of the server: {error.verify_message}"
        return DeliveryError(problem, final=False)
    said = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return DeliveryError(f"SMTP: {said or type(error).__name__}", final=False)
