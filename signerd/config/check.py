"""What no single key of the configuration shows: keys that contradict each other, open secrets."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from signerd.config.outbox_settings import OutboxSettings
from signerd.config.pkcs11_uri import parse_pkcs11_uri
from signerd.config.secret_source import permission_problem, secret_path
from signerd.config.settings import Settings


def contradictions(settings: Settings) -> Iterator[str]:
    """What is wrong with settings that are right one by one, a line each."""
    yield from _token_contradictions(settings)
    authority = settings.authority
    if authority.issuing_years > authority.root_years:
        yield (
            f"authority.issuing_years = {authority.issuing_years}: the issuing CA would outlive "
            f"its root; use at most authority.root_years, {authority.root_years}"
        )
    if settings.publisher.enabled and settings.publisher.listen == settings.server.listen:
        yield (
            f"publisher.listen = {settings.publisher.listen}: this is the address of the API; give "
            "each an address of its own"
        )
    yield from _outbox_contradictions(settings.outbox)
    for key, path in _secret_files(settings):
        if problem := permission_problem(path):
            yield f"{key}: {problem}"


def _token_contradictions(settings: Settings) -> Iterator[str]:
    pool = settings.tokens.subscribers
    pool_uri = parse_pkcs11_uri(pool.uri)
    authority_uri = parse_pkcs11_uri(settings.tokens.authority.uri)
    if pool.grow and not pool.so_pin_source:
        yield (
            "tokens.subscribers.so_pin_source is missing: tokens.subscribers.grow makes tokens, "
            "which needs their SO PIN; add file:/path or env:NAME, or set grow = false"
        )
    if pool_uri.serial is not None:
        yield (
            "tokens.subscribers.uri: a serial names one token, and the pool is every token whose "
            "label begins with the token attribute; leave serial out"
        )
    if authority_uri.token.startswith(pool_uri.token):
        yield (
            f"tokens.subscribers.uri: the prefix {pool_uri.token!r} also fits the authority token "
            f"{authority_uri.token!r}, which would receive subscriber keys; choose another"
        )


def _outbox_contradictions(outbox: OutboxSettings) -> Iterator[str]:
    smtp, webhook = outbox.smtp, outbox.webhook
    if outbox.email == "smtp":
        if not smtp.server:
            yield 'outbox.smtp.server is missing: outbox.email = "smtp" needs a mail server'
        if outbox.sender.endswith(".invalid"):
            yield (
                f"outbox.sender = {outbox.sender}: mail servers refuse it; give an address of "
                "the bank"
            )
        if bool(smtp.username) != bool(smtp.password_source):
            yield (
                "outbox.smtp: username and password_source belong together; give both, or "
                "neither for a server without login"
            )
        if smtp.security == "none" and smtp.username and not _is_here(smtp.server):
            yield (
                'outbox.smtp.security = "none" would send the password in clear; use starttls '
                "or tls"
            )
    if outbox.sms == "webhook":
        if not webhook.url:
            yield 'outbox.webhook.url is missing: outbox.sms = "webhook" needs a service'
        if not webhook.secret_source:
            yield (
                "outbox.webhook.secret_source is missing: the service knows by it that an SMS is "
                "the bank's; add file:/path or env:NAME"
            )
        where = urlsplit(webhook.url)
        if where.scheme == "http" and not _is_here(where.hostname or ""):
            yield f"outbox.webhook.url = {webhook.url} would send codes in clear; use https"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _secret_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "tls.key", settings.tls.key
    sources = (
        ("tokens.authority.uri", parse_pkcs11_uri(settings.tokens.authority.uri).pin_source),
        ("tokens.subscribers.uri", parse_pkcs11_uri(settings.tokens.subscribers.uri).pin_source),
        ("tokens.subscribers.so_pin_source", settings.tokens.subscribers.so_pin_source),
        ("outbox.smtp.password_source", settings.outbox.smtp.password_source),
        ("outbox.webhook.secret_source", settings.outbox.webhook.secret_source),
    )
    for key, source in sources:
        path = secret_path(source) if source else None
        if path is not None:
            yield key, path
