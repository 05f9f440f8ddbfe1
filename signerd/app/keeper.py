"""The keeper: work nobody asks for, done by the one process that holds the lease."""

import secrets
import sys
import time
from datetime import timedelta
from functools import partial

import structlog

from signerd.app.checkpoint_rounds import CHECKPOINT_ROUND_S, CheckpointRounds
from signerd.app.checkpoint_stamp import CheckpointStamper
from signerd.app.delivery_rounds import DELIVERY_ROUND_S, REMINDER_ROUND_S, DeliveryRounds
from signerd.app.lifeline import Lifeline, every
from signerd.app.login import FORGET_ROUND_S, ForgetRounds
from signerd.app.memory import settle_memory
from signerd.app.service_location import time_stamper_locations
from signerd.app.status_rounds import CRL_ROUND_S, PRESIGN_ROUND_S, StatusRounds
from signerd.app.wiring import Base, open_base
from signerd.audit.event import EventKind
from signerd.ca.housekeeping import Housekeeper, PoolPlan, Tally
from signerd.ca.journal import IssuanceJournal
from signerd.ca.key_pool import KeyPool
from signerd.ca.ocsp_signer import (
    RenewServiceSigner,
    ServiceSignerPlan,
    ocsp_signer_name,
    time_stamper_name,
)
from signerd.config.pkcs11_uri import parse_pkcs11_uri
from signerd.config.settings import Settings
from signerd.core.clock import Clock
from signerd.core.error import SignerdError
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent
from signerd.pki.profile_directory import load_profiles
from signerd.pki.service_certificate import prepare_time_stamping
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.lease import SqlLeaseStore
from signerd.store.ready_key import SqlReadyKeyStore
from signerd.store.system_key import SqlSystemKeyStore

_LEASE = "keeper"
_LEASE_S = 10.0
_RENEW_S = 2.0
_ROUND_S = 1.0
_KEY_POOL_S = 0.5
_OCSP_SIGNER_S = 5.0
_INSTANCE_BEAT_S = 1.5
_STOP_S = 15.0


class Rounds:
    """One round after another, only while the lease is held."""

    def __init__(
        self,
        base: Base,
        housekeeper: Housekeeper,
        ocsp_signer: RenewServiceSigner,
        time_stamper: RenewServiceSigner | None,
        key_pool: KeyPool,
    ) -> None:
        self._base = base
        self._housekeeper = housekeeper
        self._ocsp_signer = ocsp_signer
        self._time_stamper = time_stamper
        self._key_pool = key_pool
        self._leases = SqlLeaseStore(base.database)
        self._is_leader = False
        self._log = structlog.get_logger()

    async def renew(self) -> None:
        """Claim or renew the lease; without the store there is none."""
        base, was_leader = self._base, self._is_leader
        try:
            self._is_leader = await self._leases.claim(
                _LEASE, base.instance, _LEASE_S, base.clock.now()
            )
        except SignerdError:
            self._is_leader = False
            raise
        if self._is_leader and not was_leader:
            self._log.info(LogEvent.KEEPER_ELECTED)

    async def work(self) -> None:
        """One round."""
        if not self._is_leader:
            return
        tally = await self._housekeeper.run_once()
        if not tally.is_idle:
            self._report(tally)

    @property
    def is_leader(self) -> bool:
        """Whether the lease is held."""
        return self._is_leader

    async def renew_ocsp_signer(self) -> None:
        """Renew the certificate that OCSP responses are signed with, when it is time."""
        if self._is_leader and await self._ocsp_signer.run_once():
            self._log.info(LogEvent.OCSP_SIGNER_RENEWED)

    async def renew_time_stamper(self) -> None:
        """Renew the certificate of the time-stamping authority, when it is time."""
        renewal = self._time_stamper
        if self._is_leader and renewal is not None and await renewal.run_once():
            self._log.info(LogEvent.TIME_STAMPER_RENEWED)

    async def fill_key_pool(self) -> None:
        """Make keys ahead."""
        if self._is_leader and (count := await self._key_pool.fill()):
            self._log.info(LogEvent.READY_KEYS_MADE, count=count)

    async def release(self) -> None:
        """Let another keeper have the lease at once."""
        await self._leases.release(_LEASE, self._base.instance)

    def _report(self, tally: Tally) -> None:
        self._log.info(
            LogEvent.HOUSEKEEPING_DONE,
            resumed=tally.resumed,
            suspensions_ended=tally.ended,
            destroyed=tally.destroyed,
            tokens_added=tally.tokens_added,
        )
        for problem in tally.problems:
            self._log.warning(
                LogEvent.WORK_FAILED, reason=problem.reason, explanation=problem.message
            )


async def run_keeper(settings: Settings, name: str, pulse: Pulse, clock: Clock) -> None:
    """Keep house until told to stop. Raises BootError."""
    base = await open_base(settings, name, clock)
    profiles = load_profiles(settings.policy.profiles, publisher_url=settings.publisher.url)
    journal = base.journal(lambda: profiles)
    rounds = Rounds(
        base,
        _housekeeper(base, journal),
        _ocsp_signer(base),
        _time_stamper(base),
        _key_pool(base),
    )
    delivery = DeliveryRounds(base, lambda: rounds.is_leader)
    lifeline = Lifeline(pulse)
    lifeline.start(stdin_fd=sys.stdin.fileno(), on_hangup=lambda: None)
    lifeline.spawn(
        [
            every(_INSTANCE_BEAT_S, lambda: base.instances.beat(base.instance)),
            every(_RENEW_S, rounds.renew),
            every(_ROUND_S, rounds.work),
            every(_OCSP_SIGNER_S, rounds.renew_ocsp_signer),
            every(_OCSP_SIGNER_S, rounds.renew_time_stamper),
            every(_KEY_POOL_S, rounds.fill_key_pool),
            every(DELIVERY_ROUND_S, delivery.deliver_codes),
            every(DELIVERY_ROUND_S, delivery.deliver_notices),
            every(REMINDER_ROUND_S, delivery.remind),
            every(FORGET_ROUND_S, ForgetRounds(base, lambda: rounds.is_leader).run_once),
        ]
    )
    stamper = CheckpointStamper.of(base)
    checkpoints = CheckpointRounds(base, lambda: rounds.is_leader, stamper)
    lifeline.spawn([every(CHECKPOINT_ROUND_S, checkpoints.work)])
    if stamper is not None:
        lifeline.spawn([stamper.watch_clock()])
    if settings.publisher.enabled:
        status = StatusRounds(base, lambda: rounds.is_leader)
        lifeline.spawn([every(CRL_ROUND_S, status.publish), every(PRESIGN_ROUND_S, status.presign)])
    settle_memory()
    await lifeline.until_stop()
    lifeline.promise(allowed_s=2 * _STOP_S)
    await lifeline.end()
    await checkpoints.finish()
    await journal.drain(_STOP_S)
    await delivery.drain(_STOP_S)
    await rounds.release()
    await base.close()


def _housekeeper(base: Base, journal: IssuanceJournal) -> Housekeeper:
    subscribers = base.settings.tokens.subscribers
    plan = None
    if subscribers.grow:
        plan = PoolPlan(parse_pkcs11_uri(subscribers.uri).token, subscribers.capacity)
    return Housekeeper(
        store=SqlHousekeeping(base.database),
        ready_keys=SqlReadyKeyStore(base.database),
        certificates=base.certificates,
        registry=base.registry,
        journal=journal,
        tokens=base.tokens,
        pool=base.tokens,
        plan=plan,
        clock=base.clock,
        monotonic=time.monotonic,
        retention=timedelta(days=base.settings.store.request_retention_days),
    )


def _key_pool(base: Base) -> KeyPool:
    return KeyPool(
        base.settings.tokens.subscribers.ready_keys,
        store=SqlReadyKeyStore(base.database),
        registry=base.registry,
        tokens=base.tokens,
        hosts=base.tokens,
        owner=base.instance,
        monotonic=time.monotonic,
        random=secrets.token_bytes,
    )


def _ocsp_signer(base: Base) -> RenewServiceSigner:
    settings = base.settings.authority
    return _renewal(
        base,
        ServiceSignerPlan(ocsp_signer_name(settings.issuing_common_name), settings.ocsp_days),
    )


def _time_stamper(base: Base) -> RenewServiceSigner | None:
    settings = base.settings
    if not settings.timestamping.enabled:
        return None
    return _renewal(
        base,
        ServiceSignerPlan(
            time_stamper_name(settings.authority.issuing_common_name),
            settings.timestamping.days,
            SystemKeyRole.TIMESTAMP,
            EventKind.TIME_STAMPER_RENEWED,
            "TIME_STAMPER_MISSING",
            partial(prepare_time_stamping, **time_stamper_locations(settings)),
        ),
    )


def _renewal(base: Base, plan: ServiceSignerPlan) -> RenewServiceSigner:
    return RenewServiceSigner(
        plan,
        store=SqlSystemKeyStore(base.database),
        tokens=base.tokens,
        authority=base.authority,
        clock=base.clock,
        monotonic=time.monotonic,
        random=secrets.token_bytes,
    )
