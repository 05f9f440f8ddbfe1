"""[outbox]: how messages reach subscribers."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from signerd.config.secret_source import secret_path
from signerd.config.section import Section, TomlPath


def _check_source(text: str) -> str:
    if text:
        secret_path(text, Path("/"))
    return text


def _check_mail_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or not text.isascii() or any(c.isspace() for c in text):
        raise ValueError("use an e-mail address such as no-reply@bank.example")
    return text


def _check_url(text: str) -> str:
    if text:
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("use a URL such as https://sms.bank.example/send")
    return text


SecretSource = Annotated[str, AfterValidator(_check_source)]
Timeout = Annotated[float, Field(gt=0, le=30)]


class SmtpSettings(Section):
    """[outbox.smtp]: the mail server, for email = "smtp"."""

    server: str = Field(default="", description="name of the mail server")
    port: int = Field(default=587, ge=1, le=65_535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls: encrypted before anything is said; tls: from the first byte "
        "(port 465)",
    )
    username: str = Field(default="", description="to log in with; empty for a server without")
    password_source: SecretSource = Field(
        default="", description="where the password is (file:/path or env:NAME)"
    )
    ca_file: TomlPath | None = Field(
        default=None,
        description="CA certificates (PEM) to check the server with, instead of the system's",
        examples=["tls/mail-ca.pem"],
    )
    timeout_s: Timeout = Field(default=10.0, description="longest wait for each answer")


class WebhookSettings(Section):
    """[outbox.webhook]: the SMS service, for sms = "webhook"."""

    url: Annotated[str, AfterValidator(_check_url)] = Field(
        default="", description="where each SMS is posted as JSON, signed as Standard Webhooks"
    )
    secret_source: SecretSource = Field(
        default="", description="where the key is: whsec_ and base64 of 24 to 64 bytes"
    )
    ca_file: TomlPath | None = Field(
        default=None,
        description="CA certificates (PEM) to check the service with, instead of the system's",
        examples=["tls/sms-ca.pem"],
    )
    timeout_s: Timeout = Field(default=10.0, description="longest call")


class OutboxSettings(Section):
    """[outbox]: messages to subscribers."""

    email: Literal["mailbox", "smtp"] = Field(
        default="mailbox",
        description="where e-mail goes; mailbox: files under state_directory, for tests",
    )
    sms: Literal["mailbox", "webhook"] = Field(
        default="mailbox", description="where SMS go; mailbox as above"
    )
    bank: str = Field(
        default="",
        description="what messages call their sender; empty for authority.organization",
    )
    sender: Annotated[str, AfterValidator(_check_mail_address)] = Field(
        default="no-reply@signerd.invalid", description="e-mail address of the sender"
    )
    language: str = Field(
        default="ko",
        pattern=r"^[a-z]{2}$",
        description="of subscribers who chose none; a directory of templates",
    )
    templates: TomlPath | None = Field(
        default=None,
        description="directory with a directory a language, whose files replace shipped templates",
        examples=["templates"],
    )
    give_up_hours: int = Field(
        default=72, ge=1, le=720, description="how long a message is tried again"
    )
    # Reminders are not repeated as long as it is known that they were sent.
    retention_days: int = Field(
        default=90, ge=31, le=3650, description="how long messages are kept once they are done"
    )
    smtp: SmtpSettings = SmtpSettings()
    webhook: WebhookSettings = WebhookSettings()
