"""Checks of database, CA and TLS."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from signerd.app.doctor.finding import Findings
from signerd.config.settings import Settings
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey, SystemSecret, TokenRecord
from signerd.pki.chain import ChainLink, require_chain
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore
from signerd.store.token_registry import SqlTokenRegistry
from signerd.transport.tls import TlsFiles, TlsMaterial

_SOON = timedelta(days=90)
# The keeper renews the OCSP signer's certificate when a third is left.
_UNRENEWED = 0.25


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database knows of keys and tokens."""

    keys: dict[SystemKeyRole, SystemKey] = field(default_factory=dict)
    secrets: dict[SystemKeyRole, SystemSecret] = field(default_factory=dict)
    tokens: list[TokenRecord] = field(default_factory=list)


def check_store(findings: Findings, settings: Settings, clock: Clock) -> Stored | None:
    """Open the database; returns what it knows, None when it is broken."""

    async def read() -> Stored:
        database = Database(settings.store.url, chain="", clock=clock)
        await database.start()
        try:
            keys = SqlSystemKeyStore(database)
            return Stored(
                await keys.get_system_keys(),
                await keys.get_system_secrets(),
                await SqlTokenRegistry(database).list_tokens(),
            )
        finally:
            await database.close()

    with findings.guard("database"):
        stored = asyncio.run(read())
        findings.ok("database", "opens, schema is of this version")
        return stored
    return None


def check_authority(findings: Findings, keys: dict[SystemKeyRole, SystemKey], clock: Clock) -> None:
    """The CA certificates: each for its key, issued by the other, not expired."""
    issuing, root = keys.get(SystemKeyRole.ISSUING), keys.get(SystemKeyRole.ROOT)
    if issuing is None or root is None or not issuing.certificate or not root.certificate:
        findings.failed("CA chain", "the database knows no CA; run `signerd init`")
        return
    with findings.guard("CA chain"):
        require_chain(
            [ChainLink(issuing.certificate, issuing.spki), ChainLink(root.certificate, root.spki)],
            clock.now(),
        )
        certificate = x509.load_der_x509_certificate(issuing.certificate)
        end = certificate.not_valid_after_utc
        findings.ok("CA chain", f"root and issuing CA fit their keys; valid until {end:%Y-%m-%d}")
        _warn_soon(findings, "CA chain", end, clock)


def check_ocsp_signer(
    findings: Findings, keys: dict[SystemKeyRole, SystemKey], clock: Clock
) -> None:
    """The certificate that OCSP responses are signed with: for its key, by the issuing CA, not
    expired."""
    check_service(findings, keys, clock, SystemKeyRole.OCSP, "OCSP signer")


def check_service(
    findings: Findings,
    keys: dict[SystemKeyRole, SystemKey],
    clock: Clock,
    role: SystemKeyRole,
    check: str,
) -> None:
    """The same of any service whose certificate the keeper renews. check: its name, for people."""
    own = keys.get(role)
    if own is None or not own.certificate:
        findings.failed(check, "the database knows none; run `signerd init`")
        return
    above = [keys.get(SystemKeyRole.ISSUING), keys.get(SystemKeyRole.ROOT)]
    with findings.guard(check):
        require_chain(
            [
                ChainLink(own.certificate, own.spki),
                *(ChainLink(key.certificate) for key in above if key and key.certificate),
            ],
            clock.now(),
        )
        certificate = x509.load_der_x509_certificate(own.certificate)
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        findings.ok(check, f"valid until {end:%Y-%m-%d}; the keeper renews it")
        if end - clock.now() < (end - start) * _UNRENEWED:
            findings.note(
                check,
                f"ends on {end:%Y-%m-%d} and should have been renewed; look at the keeper's log",
            )


def check_tls(findings: Findings, settings: Settings, clock: Clock) -> None:
    """The TLS files as the fronts read them, and the server's certificate not expired."""
    with findings.guard("TLS"):
        TlsMaterial(TlsFiles(settings.tls.certificate, settings.tls.key, settings.tls.client_ca))
        path = settings.tls.certificate
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
        end = certificate.not_valid_after_utc
        if end <= clock.now():
            findings.failed("TLS", f"{path} expired on {end:%Y-%m-%d}; renew it and send SIGHUP")
            return
        findings.ok("TLS", f"server certificate valid until {end:%Y-%m-%d}")
        _warn_soon(findings, "TLS", end, clock)


def check_clock(findings: Findings, keys: dict[SystemKeyRole, SystemKey], clock: Clock) -> None:
    """The clock cannot be right when it is before the CA came into being."""
    root = keys.get(SystemKeyRole.ROOT)
    if root is None or root.certificate is None:
        return
    born = x509.load_der_x509_certificate(root.certificate).not_valid_before_utc
    now = clock.now()
    if now < born:
        findings.failed(
            "clock", f"{now:%Y-%m-%d %H:%M} UTC is before the CA was made; set the clock"
        )
    else:
        findings.ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC; compare it with a clock you trust")


def _warn_soon(findings: Findings, check: str, end: datetime, clock: Clock) -> None:
    if end - clock.now() < _SOON:
        findings.note(check, f"ends on {end:%Y-%m-%d}, within {_SOON.days} days; renew it")
