"""Records that cross rooms: what the store keeps and the use cases decide on."""

from dataclasses import dataclass, field
from datetime import datetime

from signerd.core.activation import Activation
from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.lifecycle import (
    CertificateAct,
    CertificateState,
    CredentialState,
    IssuanceState,
    RevocationReason,
    SystemKeyRole,
    TokenPurpose,
)
from signerd.core.value import (
    CertificateId,
    CredentialId,
    InstanceId,
    IssuanceId,
    KeyRef,
    SubscriberId,
    TokenRef,
)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Identity of a mutating call: who, which call, the id the caller chose.

    content_sha256 tells a retry (same) from a reuse of the id for something else.
    """

    principal: str
    method: str
    request_id: str
    content_sha256: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered, sealed, to be stored with its effect in one transaction."""

    request: RequestKey
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """What the caller wants in the certificate's name. branch: number of the bank branch, 3
    digits; empty where there is none."""

    common_name: str
    organizational_units: tuple[str, ...] = ()
    email: str = ""
    dns_names: tuple[str, ...] = ()
    branch: str = ""


@dataclass(frozen=True, slots=True)
class HolderIdentity:
    """Who holds a certificate with a virtual ID (VID), without the number it was made of.

    virtual_id: the VID, made with SHA-256; sealed_random: its random number as the store keeps it,
    encrypted under a key on the token; None once the holder's personal data was erased.
    """

    real_name: str
    virtual_id: bytes
    sealed_random: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuanceDraft:
    """What is reserved before anything is made.

    cka_id is None for a CSR, whose SubjectPublicKeyInfo (DER) is spki. algorithm is None for a
    CSR. replaces names the certificate that this one is made instead of, act what happens to it:
    REISSUE or RENEW. identity: the holder's, for a certificate with a VID. is_name_composed: a
    running number has to be reserved for the common name. activation: whether the key is to sign
    with the subscriber's agreement only.
    """

    issuance_id: IssuanceId
    request: RequestKey
    owner: InstanceId
    subscriber: SubscriberId
    profile: str
    subject: SubjectRecord
    serial: int
    not_before_utc: datetime
    not_after_utc: datetime
    algorithm: KeyAlgorithm | None
    cka_id: bytes | None
    spki: bytes | None
    key_group: str
    replaces: CertificateId | None
    act: CertificateAct = CertificateAct.REISSUE
    identity: HolderIdentity | None = None
    is_name_composed: bool = False
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class IssuanceRecord:
    """One line of the issuance journal.

    key: where the key is or will be; None for a CSR. tbs: the exact bytes to be signed, once
    recorded. certificate: once issued. refusal_*: once refused. running_number: of the common
    name, where it is composed. made_key: once it is known that the key is on the token.
    """

    draft: IssuanceDraft
    state: IssuanceState
    owner: InstanceId
    owner_alive: bool
    key: KeyRef | None
    spki: bytes | None
    tbs: bytes | None
    certificate: CertificateId | None
    refusal_reason: str | None
    refusal_message: str | None
    running_number: int | None = None
    made_key: "GeneratedKey | None" = None


@dataclass(frozen=True, slots=True)
class KeyOrigin:
    """What was read back of a key that was just made: CKA_LOCAL, CKA_ALWAYS_SENSITIVE and
    CKA_NEVER_EXTRACTABLE; None where the token does not tell."""

    local: bool | None
    always_sensitive: bool | None
    never_extractable: bool | None


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A key pair just made on a token, with what was read back from it.

    spki: SubjectPublicKeyInfo, DER. The others: see KeyOrigin.
    """

    spki: bytes
    local: bool | None
    always_sensitive: bool | None
    never_extractable: bool | None

    @property
    def origin(self) -> KeyOrigin:
        return KeyOrigin(self.local, self.always_sensitive, self.never_extractable)


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate as stored. state is ACTIVE, SUSPENDED or REVOKED; expiry is the clock's.

    suspended_utc, suspension_limit_utc: while SUSPENDED, since when and until when it can be
    resumed. crl_number: of the first CRL that shows the latest change of a certificate that was
    suspended or revoked, or taken off hold. identity: the holder's, where it has a VID.
    """

    certificate_id: CertificateId
    subscriber: SubscriberId
    credential: CredentialId | None
    profile: str
    state: CertificateState
    subject: str
    subject_record: SubjectRecord
    not_before_utc: datetime
    not_after_utc: datetime
    created_utc: datetime
    algorithm: KeyAlgorithm | None
    der: bytes
    key_group: str
    revoked_utc: datetime | None = None
    revocation_reason: RevocationReason | None = None
    replaces: CertificateId | None = None
    replaced_by: CertificateId | None = None
    suspended_utc: datetime | None = None
    suspension_limit_utc: datetime | None = None
    crl_number: int | None = None
    identity: HolderIdentity | None = None
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class CertificateChange:
    """An act that makes no new certificate, and from when on it counts.

    reason: why, for an act that revokes. limit_utc: until when it can be resumed, for SUSPEND.
    """

    act: CertificateAct
    time_utc: datetime
    reason: RevocationReason | None = None
    limit_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A key on a token and what it signs for. not_after_utc: end of validity of its certificate;
    None, like certificate, before there is one."""

    credential_id: CredentialId
    key: KeyRef
    subscriber: SubscriberId
    key_group: str
    algorithm: KeyAlgorithm
    state: CredentialState
    spki: bytes
    certificate: CertificateId | None
    not_after_utc: datetime | None
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token in the registry. capacity: most keys it takes, 0 means no keys are placed on it."""

    token: TokenRef
    purpose: TokenPurpose
    capacity: int
    key_count: int = 0


@dataclass(frozen=True, slots=True)
class CertificateFilter:
    """Which certificates to list; None means any. Times are UTC.

    visible_subscribers limits the answer to what the caller may see; glob patterns.
    """

    subscriber: SubscriberId | None = None
    visible_subscribers: tuple[str, ...] | None = None
    state: CertificateState | None = None
    expires_from_utc: datetime | None = None
    expires_before_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class CertificateCount:
    """How many certificates have these in common. state: by the clock, so EXPIRED too.
    expire_month: of notAfter in UTC, as "2026-11"."""

    state: CertificateState
    profile: str
    branch: str
    expire_month: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing: at most size items after the cursor of the page before."""

    size: int
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A private key found on a token."""

    cka_id: bytes
    label: str


@dataclass(frozen=True, slots=True)
class TokenHealth:
    """What a host says of one token. problem is empty when it is open and logged in."""

    token: TokenRef
    purpose: TokenPurpose
    problem: str


@dataclass(frozen=True, slots=True)
class HostHealth:
    """What a front knows of one token host. busy_s: how long, of all the time since its start, it
    has been at work on requests other than for this."""

    name: str
    connected: bool
    process_id: int
    outstanding: int
    tokens: tuple[TokenHealth, ...] = ()
    busy_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SystemKey:
    """A key pair of the daemon itself. certificate: DER; None for the probe key."""

    role: SystemKeyRole
    key: KeyRef
    algorithm: KeyAlgorithm
    spki: bytes
    certificate: bytes | None
    origin: KeyOrigin


@dataclass(frozen=True, slots=True)
class SystemSecret:
    """A secret key of the daemon itself."""

    role: SystemKeyRole
    key: KeyRef
    algorithm: SecretAlgorithm
    origin: KeyOrigin


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """A certificate that a CRL lists. reason: CERTIFICATE_HOLD while it is suspended; None stands
    for removeFromCRL, in delta CRLs only."""

    serial: int
    since_utc: datetime
    reason: RevocationReason | None
