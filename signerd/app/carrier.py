"""By what ways messages leave the house, as the configuration says."""

import asyncio
from collections.abc import Mapping

from signerd.app.layout import mailbox_directory
from signerd.config.secret_source import Secret, read_secret
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.message import Channel
from signerd.outbox.letter import DeliveryError
from signerd.outbox.mailbox import Mailbox
from signerd.outbox.ports import Carrier
from signerd.outbox.smtp import SmtpCarrier, SmtpSecurity, SmtpServer
from signerd.outbox.template import Templates, load_templates


def bank_of(settings: Settings) -> str:
    """What messages call their sender."""
    return settings.outbox.bank or settings.authority.organization


def mailbox_of(settings: Settings) -> Mailbox:
    """The mailbox of a state directory."""
    directory = mailbox_directory(settings.server.state_directory)
    return Mailbox(directory, bank=bank_of(settings), sender=settings.outbox.sender)


def read_templates(settings: Settings) -> Templates:
    """Every template. Raises BootError (CONFIG_INVALID)."""
    templates = load_templates(settings.outbox.templates)
    language = settings.outbox.language
    if language not in templates.languages:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"outbox.language = {language}: there are templates in "
            f"{', '.join(templates.languages)}; choose one, or add a directory of templates",
        )
    return templates


def build_carriers(settings: Settings) -> Mapping[Channel, Carrier]:
    """One for each channel. Raises BootError (CONFIG_INVALID) for a secret or a CA file that cannot
    be read."""
    mailbox = mailbox_of(settings)
    email = smtp_carrier(settings) if settings.outbox.email == "smtp" else mailbox
    sms = _webhook_carrier(settings) if settings.outbox.sms == "webhook" else mailbox
    return {Channel.EMAIL: email, Channel.SMS: sms}


def smtp_carrier(settings: Settings) -> SmtpCarrier:
    """E-mail by SMTP. Raises BootError (CONFIG_INVALID)."""
    smtp = settings.outbox.smtp
    server = SmtpServer(
        host=smtp.server,
        port=smtp.port,
        security=SmtpSecurity(smtp.security),
        username=smtp.username,
        password=_secret(smtp.password_source),
        ca_file=smtp.ca_file,
        timeout_s=smtp.timeout_s,
    )
    return SmtpCarrier(server, bank=bank_of(settings), sender=settings.outbox.sender)


async def check_smtp(settings: Settings) -> None:
    """Log in to the mail server and send nothing. Raises BootError that says what is wrong."""
    try:
        await asyncio.to_thread(smtp_carrier(settings).check)
    except DeliveryError as error:
        smtp = settings.outbox.smtp
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"{smtp.server}:{smtp.port}: {error.problem}; put [outbox.smtp] or the mail server "
            "right; until then messages wait",
        ) from None


def _webhook_carrier(settings: Settings) -> Carrier:
    # Only where there is a webhook: an HTTP client is much to load.
    from signerd.outbox.webhook import Webhook, WebhookCarrier, WebhookKey  # noqa: PLC0415

    webhook = settings.outbox.webhook
    key = WebhookKey(read_secret(webhook.secret_source))
    return WebhookCarrier(Webhook(webhook.url, key, webhook.ca_file, webhook.timeout_s))


def _secret(source: str) -> Secret | None:
    return read_secret(source) if source else None
