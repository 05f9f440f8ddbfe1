"""Renew the certificates of the daemon's own services before they end: OCSP signer, time-stamping
authority."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.authority import Authority
from signerd.ca.housekeeping import KEEPER
from signerd.ca.ports import KeyTokens, SystemKeyStore
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import Internal
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.core.value import certificate_id_of, serial_from
from signerd.pki.assembly import PreparedCertificate, prepare_again
from signerd.pki.issuer import IssuerInfo
from signerd.pki.service_certificate import prepare_ocsp_signer

_CALL_S = 30.0
_SERIAL_BYTES = 20
# ub-common-name (RFC 5280, appendix A.1).
_LONGEST_NAME = 64


def ocsp_signer_name(issuing_common_name: str) -> str:
    """Common name of the OCSP signer of an issuing CA."""
    return _service_name(issuing_common_name, " OCSP")


def time_stamper_name(issuing_common_name: str) -> str:
    """Common name of the time-stamping authority beside an issuing CA."""
    return _service_name(issuing_common_name, " TSA")


def audit_signer_name(issuing_common_name: str) -> str:
    """Common name of the signer of audit checkpoints."""
    return _service_name(issuing_common_name, " audit")


def _service_name(issuing_common_name: str, suffix: str) -> str:
    return issuing_common_name[: _LONGEST_NAME - len(suffix)] + suffix


class PrepareService(Protocol):
    """Prepares the certificate of a service; see pki.service_certificate."""

    def __call__(
        self,
        issuer: IssuerInfo,
        algorithm: KeyAlgorithm,
        *,
        spki: bytes,
        serial: int,
        now_utc: datetime,
        days: int,
        name: str,
    ) -> PreparedCertificate: ...


@dataclass(frozen=True, slots=True)
class ServiceSignerPlan:
    """name: common name. days: validity; the certificate is renewed when a third of it is left.
    role: of the key. kind: what is put on record. missing: reason where there is no such key."""

    name: str
    days: int
    role: SystemKeyRole = SystemKeyRole.OCSP
    kind: EventKind = EventKind.OCSP_SIGNER_RENEWED
    missing: str = "OCSP_SIGNER_MISSING"
    prepare: PrepareService = prepare_ocsp_signer


class RenewServiceSigner:
    """The key stays; its certificate is replaced: that of the OCSP signer because relying parties
    do not ask whether it was revoked (id-pkix-ocsp-nocheck; RFC 6960, 4.2.2.2.1), that of the
    time-stamping authority because its tokens are verified only while it lasts."""

    def __init__(
        self,
        plan: ServiceSignerPlan,
        *,
        store: SystemKeyStore,
        tokens: KeyTokens,
        authority: Authority,
        clock: Clock,
        monotonic: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._plan = plan
        self._store = store
        self._tokens = tokens
        self._authority = authority
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._due_utc: datetime | None = None

    async def run_once(self) -> bool:
        """Renew it when that is due; False when it is not.

        1. What is to be signed is recorded before it is, so that a certificate that was signed and
           lost is signed again with the same serial number, and not another one.
        2. The issuing key signs exactly that, and the signature is verified.
        3. The new certificate takes the old one's place together with its audit record.

        Raises Internal (OCSP_SIGNER_MISSING, LINT_FAILED, SIGNATURE_WRONG), Interrupted when
        another keeper was faster, StoreUnavailable and as KeyTokens.
        """
        now = self._clock.now()
        if self._due_utc is not None and now < self._due_utc:
            return False
        signer = (await self._store.get_system_keys()).get(self._plan.role)
        if signer is None or signer.certificate is None:
            raise Internal(
                f"the store knows no {self._plan.role} key; make a new state directory with "
                "`signerd init`",
                reason=self._plan.missing,
            )
        issuer_end = self._authority.issuer.not_after_utc
        self._due_utc = _due_utc(x509.load_der_x509_certificate(signer.certificate), issuer_end)
        if now < self._due_utc:
            return False
        self._due_utc = _due_utc(await self._renew(signer, now), issuer_end)
        return True

    async def _renew(self, signer: SystemKey, now_utc: datetime) -> x509.Certificate:
        authority = self._authority
        fresh = self._plan.prepare(
            authority.issuer,
            signer.algorithm,
            spki=signer.spki,
            serial=serial_from(self._random(_SERIAL_BYTES)),
            now_utc=now_utc,
            days=self._plan.days,
            name=self._plan.name,
        )
        tbs = await self._store.begin_certificate(self._plan.role, fresh.tbs)
        reach(FaultPoint.KEEPER_SIGNER_RECORDED)
        prepared = prepare_again(tbs, authority.issuer)
        signature = await self._tokens.sign(
            authority.key,
            authority.algorithm,
            prepared.message,
            deadline=self._monotonic() + _CALL_S,
        )
        der = prepared.assemble(signature)
        reach(FaultPoint.KEEPER_SIGNER_SIGNED)
        certificate = x509.load_der_x509_certificate(der)
        await self._store.replace_certificate(self._plan.role, tbs, der, self._event(certificate))
        return certificate

    def _event(self, certificate: x509.Certificate) -> AuditEvent:
        details = {
            "serial": certificate_id_of(certificate.serial_number),
            "not_after": certificate.not_valid_after_utc.isoformat(),
        }
        return AuditEvent(self._plan.kind, self._clock.now(), KEEPER, "authority", "", details)


def _due_utc(certificate: x509.Certificate, issuer_not_after_utc: datetime) -> datetime:
    """When a third of its validity is left; never, where its issuer ends with it."""
    end = certificate.not_valid_after_utc
    if end >= issuer_not_after_utc:
        return datetime.max.replace(tzinfo=UTC)
    return end - (end - certificate.not_valid_before_utc) / 3
