"""Checks of the ways by which messages reach subscribers."""

import asyncio

from signerd.app.carrier import build_carriers, check_smtp, read_templates
from signerd.app.doctor.finding import Findings
from signerd.config.settings import Settings


def check_outbox(findings: Findings, settings: Settings) -> None:
    """Templates, secrets, and whether the mail server lets the daemon in; nothing is sent."""
    outbox = settings.outbox
    with findings.guard("outbox"):
        templates = read_templates(settings)
        build_carriers(settings)
        ways = f"e-mail by {outbox.email}, SMS by {outbox.sms}"
        findings.ok("outbox", f"{ways}, templates in {', '.join(templates.languages)}")
    if outbox.email == "smtp":
        with findings.guard("mail server"):
            asyncio.run(check_smtp(settings))
            findings.ok("mail server", f"{outbox.smtp.server}:{outbox.smtp.port} lets us in")
