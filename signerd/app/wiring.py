"""Builds what fronts and keeper have in common: store, token client, authority, journal."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from signerd.app.layout import host_names, run_directory
from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.authority import Authority
from signerd.ca.journal import IssuanceJournal, JournalContext
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock
from signerd.core.error import StoreUnavailable
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey, SystemSecret
from signerd.core.value import InstanceId, KeyRef
from signerd.pki.issuer import IssuerInfo
from signerd.pki.profile import Profile
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.certificate import SqlCertificateStore
from signerd.store.database import Database
from signerd.store.instance import SqlInstanceStore
from signerd.store.issuance import SqlIssuanceStore
from signerd.store.system_key import SqlSystemKeyStore
from signerd.store.token_registry import SqlTokenRegistry
from signerd.tokens.client import TokenClient


def new_instance_id() -> InstanceId:
    """A name for this run of this process."""
    return InstanceId(secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class TokenSealer:
    """`signerd.identity.sealer.Sealer` with the daemon's own secret keys."""

    tokens: TokenClient
    seal_key: KeyRef
    index_key: KeyRef

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        """See the port."""
        return await self.tokens.seal(self.seal_key, plaintext, associated, deadline=deadline)

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        """See the port."""
        return await self.tokens.unseal(self.seal_key, sealed, associated, deadline=deadline)

    async def mac(self, data: bytes, *, deadline: float) -> bytes:
        """See the port."""
        return await self.tokens.mac(self.index_key, data, deadline=deadline)


@dataclass(frozen=True, slots=True)
class Base:
    """The common parts of one process."""

    settings: Settings
    name: str
    instance: InstanceId
    clock: Clock
    database: Database
    tokens: TokenClient
    instances: SqlInstanceStore
    certificates: SqlCertificateStore
    issuances: SqlIssuanceStore
    registry: SqlTokenRegistry
    trail: SqlAuditTrail
    system_keys: dict[SystemKeyRole, SystemKey]
    system_secrets: dict[SystemKeyRole, SystemSecret]

    @property
    def authority(self) -> Authority:
        """The issuing CA."""
        return authority_of(self.system_keys)

    @property
    def sealer(self) -> TokenSealer:
        """What personal data is encrypted and found with. Raises BootError when init made no keys
        for it."""
        try:
            seal = self.system_secrets[SystemKeyRole.SEAL]
            index = self.system_secrets[SystemKeyRole.INDEX]
        except KeyError as error:
            raise BootError(
                ExitCode.CONFIG_INVALID,
                f"the store knows no {error.args[0].value} key: make a new state directory with "
                "`signerd init`",
            ) from None
        return TokenSealer(self.tokens, seal.key, index.key)

    def journal(self, profiles: Callable[[], dict[str, Profile]]) -> IssuanceJournal:
        """The issuance journal, walked by this process."""
        return IssuanceJournal(
            JournalContext(
                issuances=self.issuances,
                certificates=self.certificates,
                tokens=self.tokens,
                authority=self.authority,
                profiles=profiles,
                clock=self.clock,
                monotonic=time.monotonic,
                random=secrets.token_bytes,
                owner=self.instance,
            )
        )

    async def record(self, kind: EventKind, details: Mapping[str, str]) -> None:
        """Put an event of this process on record."""
        event = AuditEvent(
            kind, self.clock.now(), f"local:{self.name}", f"processes/{self.name}", "", details
        )
        await self.trail.append([event])

    async def close(self) -> None:
        """End this instance and let go of everything."""
        # Without the store this end is found out by the next of this name.
        with suppress(StoreUnavailable):
            await self.record(EventKind.PROCESS_STOPPED, {})
            await self.instances.end_instance(self.instance)
        await self.tokens.close()
        await self.database.close()


async def open_base(settings: Settings, name: str, clock: Clock) -> Base:
    """Open store and token client. Raises BootError."""
    try:
        return await _open_base(settings, name, clock)
    except StoreUnavailable as error:
        raise BootError(
            ExitCode.STORE_BROKEN, f"cannot use the database: {error.message}"
        ) from error


async def _open_base(settings: Settings, name: str, clock: Clock) -> Base:
    database = Database(settings.store.url, chain=f"{settings.server.node}/{name}", clock=clock)
    await database.start()
    run = run_directory(settings.server.state_directory)
    tokens = TokenClient(
        {host: run.host_socket(host) for host in host_names(settings.tokens.hosts)},
        queue_limit=settings.tokens.queue_limit,
    )
    await tokens.start()
    instance = new_instance_id()
    instances = SqlInstanceStore(database)
    await instances.start_instance(instance, settings.server.node, name, clock.now())
    system_keys = SqlSystemKeyStore(database)
    base = Base(
        settings=settings,
        name=name,
        instance=instance,
        clock=clock,
        database=database,
        tokens=tokens,
        instances=instances,
        certificates=SqlCertificateStore(database),
        issuances=SqlIssuanceStore(database),
        registry=SqlTokenRegistry(database),
        trail=SqlAuditTrail(database),
        system_keys=await system_keys.get_system_keys(),
        system_secrets=await system_keys.get_system_secrets(),
    )
    details = {"pid": str(os.getpid()), "version": version("signerd")}
    await base.record(EventKind.PROCESS_STARTED, details)
    return base


def authority_of(keys: dict[SystemKeyRole, SystemKey]) -> Authority:
    """The issuing CA among the system keys. Raises BootError when init has not been run."""
    issuing, root = keys.get(SystemKeyRole.ISSUING), keys.get(SystemKeyRole.ROOT)
    if issuing is None or root is None or not issuing.certificate or not root.certificate:
        raise BootError(ExitCode.CONFIG_INVALID, "the store knows no CA: run `signerd init` first")
    return Authority(
        key=issuing.key,
        algorithm=issuing.algorithm,
        issuer=IssuerInfo(issuing.certificate, issuing.algorithm),
        certificate=issuing.certificate,
        root_certificate=root.certificate,
    )
