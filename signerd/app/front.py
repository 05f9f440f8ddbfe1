"""A front: one gRPC server process."""

import os
import secrets
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version

import structlog

from signerd.app.activation import activation_use_cases
from signerd.app.audit_proof import audit_proofs
from signerd.app.carrier import mailbox_of
from signerd.app.document import document_signing, timestamping
from signerd.app.enrolment import enrolment_use_cases
from signerd.app.identity import identity_rules, open_document_verifier
from signerd.app.layout import run_directory
from signerd.app.lifeline import Lifeline, every
from signerd.app.login import login_use_case
from signerd.app.memory import settle_memory
from signerd.app.registry import Identities, registry_use_cases
from signerd.app.timestamp import Stamping
from signerd.app.wiring import Base, open_base
from signerd.audit.event import EventKind
from signerd.ca.change import CertificateChanger
from signerd.ca.issue import IssuanceFactory, IssueCertificate
from signerd.ca.journal import IssuanceJournal
from signerd.ca.query import CertificateQuery
from signerd.ca.reissue import ReissueCertificate
from signerd.ca.renew import RenewCertificate
from signerd.ca.replace import CertificateReplacer
from signerd.ca.resume import ResumeCertificate
from signerd.ca.revoke import RevokeCertificate
from signerd.ca.suspend import SuspendCertificate
from signerd.ca.verify_identity import VerifyIdentity
from signerd.ca.watch import CertificateWatch
from signerd.config.settings import Settings
from signerd.core.algorithm import Hash
from signerd.core.boot import BootError
from signerd.core.clock import Clock
from signerd.core.error import SignerdError
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.message import Channel
from signerd.core.pulse import Pulse
from signerd.identity.document import DocumentVerifier
from signerd.observability.event import LogEvent
from signerd.pki.profile import Profile
from signerd.pki.profile_directory import load_profiles
from signerd.pki.signature import digest
from signerd.policy.grant import Policy
from signerd.policy.limit import Limiter
from signerd.policy.load import load_policy
from signerd.signing.agreement import Agreements
from signerd.signing.batch_sign import BatchSign
from signerd.signing.sign import CredentialCache, Sign
from signerd.signing.standing import StandingJudge
from signerd.signing.verify import Verify
from signerd.store.activation import SqlActivationStore
from signerd.store.outbox import SqlOutbox
from signerd.store.signature import SqlSignatureStore
from signerd.store.standing import SqlStandingStore
from signerd.transport.activation import ActivationServicer
from signerd.transport.admin import AdminServicer, ServerIdentity
from signerd.transport.authority_use import AuthorityUseCases
from signerd.transport.certificate_authority import CertificateAuthorityServicer
from signerd.transport.enrolment import EnrolmentServicer
from signerd.transport.health import HealthWatch
from signerd.transport.interceptor import CallGuard, GuardInterceptor
from signerd.transport.login import LoginServicer
from signerd.transport.message import OutboxView
from signerd.transport.server import SERVICES, ServerOptions, Servicers, build_server
from signerd.transport.signing import SigningServicer
from signerd.transport.tls import TlsFiles, TlsMaterial

_HEALTH_S = 2.0
_PROBE_S = 5.0
_INSTANCE_BEAT_S = 1.5
# For issuances that are under way when the calls have ended. Without token hosts, which go at once
# when the supervisor dies, they would not end at all.
_WALKS_S = 5.0
_PROBE_DIGEST = digest(Hash.SHA256, b"")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy file and the profiles say. policy_sha256: of the file, hexadecimal."""

    policy: Policy
    policy_sha256: str
    profiles: dict[str, Profile]
    limiter: Limiter


class Reloadable:
    """What SIGHUP reads again: policy, profiles, TLS material. A bad file changes nothing."""

    def __init__(self, settings: Settings) -> None:
        """Raises BootError."""
        self._settings = settings
        self.tls = TlsMaterial(
            TlsFiles(settings.tls.certificate, settings.tls.key, settings.tls.client_ca)
        )
        self.rules = self._read()
        self._log = structlog.get_logger()

    async def reload(self, base: Base) -> None:
        """Read everything again, put it on record and use it, or keep everything."""
        try:
            rules = self._read()
            self.tls.reload()
            await self.record(base, rules)
        except (BootError, SignerdError) as error:
            self._log.error(LogEvent.RELOAD_REFUSED, explanation=error.message)
        else:
            self.rules = rules
            self._log.info(LogEvent.RELOADED, policy_sha256=rules.policy_sha256)

    async def record(self, base: Base, rules: Rules) -> None:
        """Put it on record which policy is in force."""
        details = {"sha256": rules.policy_sha256, "grants": str(len(rules.policy.grants))}
        await base.record(EventKind.POLICY_LOADED, details)

    def _read(self) -> Rules:
        policy = load_policy(self._settings.policy.file)
        return Rules(
            policy=policy,
            policy_sha256=sha256(self._settings.policy.file.read_bytes()).hexdigest(),
            profiles=load_profiles(
                self._settings.policy.profiles, publisher_url=self._settings.publisher.url
            ),
            limiter=Limiter(policy, monotonic=time.monotonic),
        )


@dataclass(frozen=True, slots=True)
class Front:
    """The parts of a front that live until its end."""

    base: Base
    reloadable: Reloadable
    journal: IssuanceJournal
    started_utc: datetime
    documents: DocumentVerifier | None
    stamping: Stamping | None

    def servicers(self) -> Servicers:
        """The services over their use cases."""
        base = self.base
        signatures = SqlSignatureStore(base.database)
        credentials = CredentialCache(signatures)
        is_verified = base.settings.signing.verify_signatures
        identities = Identities.of(base)
        use_cases = self._use_cases(identities)
        signing = (base.tokens, signatures, credentials, base.clock, base.name)
        agreements = Agreements(SqlActivationStore(base.database), base.clock)
        sign = Sign(*signing, agreements=agreements, verify=is_verified)
        verify = Verify(SqlStandingStore(base.database), credentials, self._standing_judge())
        return Servicers(
            certificate_authority=CertificateAuthorityServicer(use_cases),
            enrolment=EnrolmentServicer(
                registry_use_cases(base, identities.holders),
                enrolment_use_cases(
                    base, use_cases, self.documents, lambda: self.reloadable.rules.profiles
                ),
            ),
            signing=SigningServicer(
                sign,
                BatchSign(*signing, agreements=agreements, verify=is_verified),
                verify,
            ),
            document_signing=document_signing(
                base, sign, credentials, self.stamping, self._standing_judge()
            ),
            timestamping=timestamping(base, self.stamping, self._standing_judge()),
            login=LoginServicer(login_use_case(base, verify)),
            activation=ActivationServicer(
                activation_use_cases(base, identity_rules(base.settings))
            ),
            admin=AdminServicer(
                ServerIdentity(
                    version=version("signerd"),
                    node=base.settings.server.node,
                    process=base.name,
                    process_id=os.getpid(),
                    started_utc=self.started_utc,
                    clock=base.clock,
                    profiles=lambda: sorted(self.reloadable.rules.profiles),
                ),
                base.trail,
                base.registry,
                base.tokens,
                _outbox_view(base),
                proofs=audit_proofs(base),
            ),
            health=HealthWatch(self._probe, SERVICES, interval_s=_HEALTH_S),
        )

    def guard(self) -> GuardInterceptor:
        """Who may call."""
        guard = CallGuard(
            policy=lambda: self.reloadable.rules.policy,
            limiter=lambda: self.reloadable.rules.limiter,
            default_deadline_s=self.base.settings.server.default_deadline_s,
        )
        most = self.base.settings.server.max_concurrent_calls
        return GuardInterceptor(guard, max_concurrent_calls=most)

    def options(self) -> ServerOptions:
        """Where to listen."""
        server = self.base.settings.server
        run = run_directory(server.state_directory)
        return ServerOptions(
            listen=server.listen,
            admin_socket=run.admin_socket(self.base.name),
            max_message_bytes=server.max_message_bytes,
            max_concurrent_calls=server.max_concurrent_calls,
        )

    def _standing_judge(self) -> StandingJudge:
        base = self.base
        return StandingJudge(
            SqlStandingStore(base.database),
            (base.authority.certificate, base.authority.root_certificate),
            lambda: self.reloadable.rules.policy.algorithms,
            base.clock,
        )

    def _use_cases(self, identities: Identities) -> AuthorityUseCases:
        base = self.base
        issuer_not_after = base.authority.issuer.not_after_utc
        factory = IssuanceFactory(
            random=secrets.token_bytes,
            owner=base.instance,
            clock=base.clock,
            profiles=lambda: self.reloadable.rules.profiles,
            issuer_not_after_utc=issuer_not_after,
        )
        replacer = CertificateReplacer(factory, base.certificates, self.journal)
        changer = CertificateChanger(base.certificates, base.clock)
        return AuthorityUseCases(
            issue=IssueCertificate(factory, self.journal, identities.source),
            reissue=ReissueCertificate(replacer),
            renew=RenewCertificate(replacer, issuer_not_after),
            suspend=SuspendCertificate(changer),
            resume=ResumeCertificate(changer),
            revoke=RevokeCertificate(changer),
            query=CertificateQuery(base.certificates, base.clock),
            watch=CertificateWatch(base.trail, base.certificates),
            verify_identity=VerifyIdentity(base.certificates, identities.guard, base.clock),
            authority=base.authority,
            clock=base.clock,
        )

    async def _probe(self) -> None:
        """Sign with the probe key and read the store; raises what keeps either from working."""
        probe = self.base.system_keys[SystemKeyRole.PROBE]
        await self.base.tokens.sign(
            probe.key,
            probe.algorithm,
            _PROBE_DIGEST,
            deadline=time.monotonic() + _PROBE_S,
        )
        await self.base.registry.list_tokens()


def _outbox_view(base: Base) -> OutboxView:
    outbox = base.settings.outbox
    ways = {Channel.EMAIL: outbox.email, Channel.SMS: outbox.sms}
    return OutboxView(
        SqlOutbox(base.database),
        frozenset(channel for channel, way in ways.items() if way == "mailbox"),
        mailbox_of(base.settings),
    )


async def run_front(settings: Settings, name: str, pulse: Pulse, clock: Clock) -> None:
    """Serve until told to stop. Raises BootError."""
    reloadable = Reloadable(settings)
    base = await open_base(settings, name, clock)
    documents = AsyncExitStack()
    stamping = Stamping.of(base)
    front = Front(
        base,
        reloadable,
        base.journal(lambda: reloadable.rules.profiles),
        clock.now(),
        await open_document_verifier(settings, documents),
        stamping,
    )
    await reloadable.record(base, reloadable.rules)
    servicers = front.servicers()
    guard = front.guard()
    server = build_server(front.options(), servicers, guard, reloadable.tls)
    lifeline = Lifeline(pulse)
    lifeline.start(
        stdin_fd=sys.stdin.fileno(), on_hangup=lambda: lifeline.spawn([reloadable.reload(base)])
    )
    lifeline.spawn(
        [
            every(_INSTANCE_BEAT_S, lambda: base.instances.beat(base.instance)),
            servicers.health.run(),
        ]
    )
    if stamping is not None:
        lifeline.spawn([stamping.watch_clock()])
    await server.start()
    settle_memory()
    structlog.get_logger().info(LogEvent.FRONT_LISTENING, address=settings.server.listen)
    await lifeline.until_stop()
    drain_s = settings.server.drain_s
    await servicers.health.leave()
    guard.leave()
    lifeline.promise(allowed_s=drain_s + _WALKS_S + 10)
    await server.stop(drain_s)
    await front.journal.drain(_WALKS_S)
    # Not before: an instance that stops to beat is taken for dead, and its work taken over.
    await lifeline.end()
    await documents.aclose()
    await base.close()
