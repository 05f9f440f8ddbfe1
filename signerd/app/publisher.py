"""The publisher: answers relying parties over HTTP, and changes nothing but the audit, where each
time stamp is put on record."""

import sys
import time
from datetime import timedelta

import structlog

from signerd.app.lifeline import Lifeline, every
from signerd.app.memory import settle_memory
from signerd.app.ocsp_signer import CurrentOcspSigner
from signerd.app.timestamp import Stamping
from signerd.app.wiring import Base, open_base
from signerd.ca.answer_ocsp import AnswerOcsp
from signerd.ca.current_crl import CurrentCrls
from signerd.ca.sign_ocsp import SignOcsp
from signerd.config.address import parse_listen_address
from signerd.config.settings import Settings
from signerd.core.clock import Clock
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent
from signerd.publisher.resource import Resources
from signerd.publisher.server import HttpBounds, HttpServer
from signerd.store.crl import SqlCrlStore
from signerd.store.ocsp import SqlOcspStore

# How late a new CRL is seen here.
_REFRESH_S = 0.5


async def run_publisher(settings: Settings, name: str, pulse: Pulse, clock: Clock) -> None:
    """Serve until told to stop. Raises BootError."""
    base = await open_base(settings, name, clock)
    crls = CurrentCrls(SqlCrlStore(base.database))
    stamping = Stamping.of(base)
    server = HttpServer(
        _resources(base, crls, stamping).routes(),
        HttpBounds(settings.publisher.exchange_s, settings.publisher.max_connections),
    )
    lifeline = Lifeline(pulse)
    lifeline.start(stdin_fd=sys.stdin.fileno(), on_hangup=lambda: None)
    lifeline.spawn([every(_REFRESH_S, crls.refresh)])
    if stamping is not None:
        lifeline.spawn([stamping.watch_clock()])
    listen = parse_listen_address(settings.publisher.listen)
    await server.start(listen.host, listen.port)
    settle_memory()
    structlog.get_logger().info(LogEvent.PUBLISHER_LISTENING, address=settings.publisher.listen)
    await lifeline.until_stop()
    lifeline.promise(allowed_s=settings.publisher.exchange_s + 10)
    await server.stop()
    await lifeline.end()
    await base.close()


def _resources(base: Base, crls: CurrentCrls, stamping: Stamping | None) -> Resources:
    settings, issuer = base.settings.publisher, base.authority.issuer
    answer = AnswerOcsp(
        SqlOcspStore(base.database),
        SignOcsp(base.tokens, issuer, CurrentOcspSigner(base.database)),
        issuer,
        lifetime=timedelta(seconds=settings.ocsp_lifetime_s),
        most_waiting=settings.max_waiting,
        limit_s=settings.exchange_s / 2,
        clock=base.clock,
        monotonic=time.monotonic,
    )
    stamps = None if stamping is None else stamping.answer()
    return Resources(crls, answer, base.authority, base.clock, settings.cache_s, stamps)
