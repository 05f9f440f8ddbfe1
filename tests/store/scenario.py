"""What the store tests build on: a clock that stands, and records of made-up customers."""

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from signerd.audit.event import AuditEvent, EventKind
from signerd.audit.signature import SignatureRecord
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.lifecycle import (
    CertificateAct,
    CertificateState,
    RevocationReason,
    TokenPurpose,
)
from signerd.core.record import (
    CertificateChange,
    CertificateRecord,
    GeneratedKey,
    IssuanceDraft,
    IssuanceRecord,
    RequestKey,
    SubjectRecord,
    TokenRecord,
)
from signerd.core.value import (
    CertificateId,
    CredentialId,
    InstanceId,
    IssuanceId,
    SubscriberId,
    TokenRef,
    certificate_id_of,
    credential_id_of,
    serial_from,
)
from signerd.store.certificate import SqlCertificateStore
from signerd.store.database import Database
from signerd.store.instance import SqlInstanceStore
from signerd.store.issuance import SqlIssuanceStore
from signerd.store.token_registry import SqlTokenRegistry

if TYPE_CHECKING:
    from signerd.ca.keeper_ports import HousekeepingStore, TokenRegistry
    from signerd.ca.ports import CertificateStore, IssuanceStore
    from signerd.signing.ports import SignatureStore
    from signerd.store.housekeeping import SqlHousekeeping
    from signerd.store.signature import SqlSignatureStore

    def _fits_its_port(
        database: Database,
    ) -> tuple[IssuanceStore, CertificateStore, HousekeepingStore, TokenRegistry, SignatureStore]:
        """For the type checker: the adapters have the shape of the ports."""
        return (
            SqlIssuanceStore(database),
            SqlCertificateStore(database),
            SqlHousekeeping(database),
            SqlTokenRegistry(database),
            SqlSignatureStore(database),
        )


START = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
POOL = TokenRef("pool-1", "0001")
OWNER = InstanceId("owner")
_KINDS = {
    CertificateAct.SUSPEND: EventKind.CERTIFICATE_SUSPENDED,
    CertificateAct.RESUME: EventKind.CERTIFICATE_RESUMED,
    CertificateAct.REVOKE: EventKind.CERTIFICATE_REVOKED,
    CertificateAct.END_SUSPENSION: EventKind.CERTIFICATE_REVOKED,
}


@dataclass
class StandingClock:
    """A clock that a test moves."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def event_of(
    kind: EventKind = EventKind.SIGNATURE_CREATED,
    resource: str = "credentials/1",
    **details: str,
) -> AuditEvent:
    """An event at the start of the scenario."""
    return AuditEvent(kind, START, "spiffe://bank/app", resource, str(uuid.uuid4()), details)


def request_of(method: str = "Issue", content: bytes = b"content") -> RequestKey:
    """A call with a request id of its own."""
    return RequestKey(
        "spiffe://bank/app", method, str(uuid.uuid4()), hashlib.sha256(content).digest()
    )


def draft_of(
    *,
    request: RequestKey | None = None,
    subscriber: str = "hong-gildong",
    csr_spki: bytes | None = None,
    replaces: CertificateId | None = None,
    act: CertificateAct = CertificateAct.REISSUE,
    not_after_utc: datetime = START + timedelta(days=365),
    owner: InstanceId = OWNER,
) -> IssuanceDraft:
    """An issuance: of a key on the token, or of the key of a CSR."""
    return IssuanceDraft(
        issuance_id=IssuanceId(str(uuid.uuid4())),
        request=request or request_of(),
        owner=owner,
        subscriber=SubscriberId(subscriber),
        profile="personal",
        subject=SubjectRecord("홍길동()0890012026030112345", ("personal4IB",), "h@example.com"),
        serial=serial_from(uuid.uuid4().bytes + uuid.uuid4().bytes),
        not_before_utc=START,
        not_after_utc=not_after_utc,
        algorithm=KeyAlgorithm.EC_P256_SHA256 if csr_spki is None else None,
        cka_id=uuid.uuid4().bytes if csr_spki is None else None,
        spki=csr_spki,
        key_group="retail",
        replaces=replaces,
        act=act,
    )


def key_of(draft: IssuanceDraft) -> GeneratedKey | None:
    """What a token answers for the key of a draft."""
    if draft.cka_id is None:
        return None
    return GeneratedKey(
        b"spki " + draft.cka_id, local=True, always_sensitive=True, never_extractable=None
    )


def certificate_for(record: IssuanceRecord, created_utc: datetime = START) -> CertificateRecord:
    """The certificate of an issuance."""
    draft = record.draft
    return CertificateRecord(
        certificate_id=certificate_id_of(draft.serial),
        subscriber=draft.subscriber,
        credential=None if draft.cka_id is None else credential_id_of(draft.cka_id),
        profile=draft.profile,
        state=CertificateState.ACTIVE,
        subject=f"CN={draft.subject.common_name}",
        subject_record=draft.subject,
        not_before_utc=draft.not_before_utc,
        not_after_utc=draft.not_after_utc,
        created_utc=created_utc,
        algorithm=draft.algorithm,
        der=b"certificate of " + draft.issuance_id.encode(),
        key_group=draft.key_group,
        replaces=draft.replaces,
    )


@dataclass
class Bank:
    """A database with one subscriber token and one living process, and what is done with it."""

    database: Database
    clock: StandingClock
    issuances: SqlIssuanceStore = field(init=False)
    certificates: SqlCertificateStore = field(init=False)

    def __post_init__(self) -> None:
        self.issuances = SqlIssuanceStore(self.database)
        self.certificates = SqlCertificateStore(self.database)

    async def open(self, capacity: int = 100) -> None:
        """Register the token and the process."""
        await SqlTokenRegistry(self.database).register_token(
            TokenRecord(POOL, TokenPurpose.SUBSCRIBER, capacity), event_of(EventKind.TOKEN_ADDED)
        )
        await SqlInstanceStore(self.database).start_instance(
            OWNER, "local", "front-0", self.clock.now()
        )

    async def issue(self, draft: IssuanceDraft | None = None) -> CertificateRecord:
        """Walk an issuance to its end."""
        record, _ = await self.issuances.begin_issuance(draft or draft_of())
        return await self.finish(record)

    async def finish(self, record: IssuanceRecord) -> CertificateRecord:
        """Walk on from RESERVED."""
        draft = record.draft
        await self.issuances.record_intent(
            draft.issuance_id, record.owner, key=key_of(draft), tbs=b"tbs"
        )
        return await self.issuances.complete_issuance(
            draft.issuance_id,
            record.owner,
            certificate_for(record, self.clock.now()),
            [event_of(EventKind.CERTIFICATE_ISSUED)],
            end_event=event_of(EventKind.CERTIFICATE_REVOKED),
        )

    async def revoke(
        self, certificate: CertificateId, request: RequestKey | None = None
    ) -> CertificateRecord:
        """Revoke for a lost key."""
        change = CertificateChange(
            CertificateAct.REVOKE, self.clock.now(), RevocationReason.KEY_COMPROMISE
        )
        return await self.change(certificate, change, request or request_of("Revoke"))

    async def suspend(
        self, certificate: CertificateId, limit_utc: datetime = START + timedelta(days=180)
    ) -> CertificateRecord:
        """Put on hold until a limit."""
        now = self.clock.now()
        change = CertificateChange(CertificateAct.SUSPEND, now, limit_utc=limit_utc)
        return await self.change(certificate, change, request_of("Suspend"))

    async def resume(self, certificate: CertificateId) -> CertificateRecord:
        """Take off hold."""
        change = CertificateChange(CertificateAct.RESUME, self.clock.now())
        return await self.change(certificate, change, request_of("Resume"))

    async def change(
        self,
        certificate: CertificateId,
        change: CertificateChange,
        request: RequestKey | None = None,
    ) -> CertificateRecord:
        """Change the state of a certificate."""
        kind = _KINDS[change.act]
        event = replace(event_of(kind, f"certificates/{certificate}"), time_utc=change.time_utc)
        return await self.certificates.change_certificate(request, certificate, change, event)


def credential_in(certificate: CertificateRecord) -> CredentialId:
    """The credential of a certificate whose key is on the token."""
    if certificate.credential is None:
        raise ValueError("the certificate is of a CSR")
    return certificate.credential


async def record_signature(
    signatures: "SqlSignatureStore", credential: CredentialId, event: AuditEvent
) -> None:
    """Put one signature on record; raises why it is refused."""
    [refusal] = await signatures.record_signatures([SignatureRecord(credential, event)])
    if refusal is not None:
        raise refusal
