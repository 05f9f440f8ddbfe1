"""Issue a certificate to a subscriber."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from signerd.ca.journal import IssuanceJournal
from signerd.ca.ports import IdentityStore
from signerd.ca.verify_identity import IdentityGuard, IdentityQuestion
from signerd.core.activation import Activation
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import Conflict, InvalidRequest
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import (
    CertificateRecord,
    HolderIdentity,
    IssuanceDraft,
    IssuanceRecord,
    RequestKey,
    SubjectRecord,
)
from signerd.core.value import (
    CertificateId,
    InstanceId,
    IssuanceId,
    SubscriberId,
    certificate_id_of,
    serial_from,
)
from signerd.identity.holder import HolderIdentities
from signerd.pki.composed_name import real_name
from signerd.pki.csr import parse_csr
from signerd.pki.name import check_subject
from signerd.pki.profile import Profile
from signerd.pki.validity import validity_at
from signerd.pki.vid import IdentityNumber


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """A checked call. Exactly one of algorithm (key on the token) and csr (DER or PEM) is set.
    identity_number: whose VID is to be certified; None where none was given. deadline: seconds of
    time.monotonic()."""

    request: RequestKey
    subscriber: SubscriberId
    profile: str
    subject: SubjectRecord
    algorithm: KeyAlgorithm | None
    csr: bytes | None
    key_group: str
    deadline: float
    identity_number: IdentityNumber | None = field(default=None, repr=False)
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class IssuanceFactory:
    """Where drafts get what no caller chooses: ids, serial, CKA_ID, owner, time.

    random: bytes from a secure source. issuer_not_after_utc: no certificate outlives its issuer.
    """

    random: Callable[[int], bytes]
    owner: InstanceId
    clock: Clock
    profiles: Callable[[], dict[str, Profile]]
    issuer_not_after_utc: datetime

    def profile(self, name: str) -> Profile:
        """A profile by name. Raises InvalidRequest (PROFILE_UNKNOWN) that lists those there are."""
        profiles = self.profiles()
        if name not in profiles:
            raise InvalidRequest(
                f"profile: there is none of this name; there are {', '.join(sorted(profiles))}",
                reason="PROFILE_UNKNOWN",
                field="profile",
            )
        return profiles[name]

    def draft(
        self,
        *,
        request: RequestKey,
        subscriber: SubscriberId,
        profile: Profile,
        subject: SubjectRecord,
        algorithm: KeyAlgorithm | None,
        spki: bytes | None,
        key_group: str,
        validity: tuple[datetime, datetime],
        replaces: CertificateId | None = None,
        act: CertificateAct = CertificateAct.REISSUE,
        identity: HolderIdentity | None = None,
        activation: Activation = Activation.NONE,
    ) -> IssuanceDraft:
        """A draft with a new serial and, for a key on the token, a new CKA_ID."""
        not_before, not_after = validity
        return IssuanceDraft(
            issuance_id=IssuanceId(self.random(16).hex()),
            request=request,
            owner=self.owner,
            subscriber=subscriber,
            profile=profile.name,
            subject=subject,
            serial=serial_from(self.random(20)),
            not_before_utc=not_before,
            not_after_utc=not_after,
            algorithm=algorithm,
            cka_id=None if algorithm is None else self.random(16),
            spki=spki,
            key_group=key_group,
            replaces=replaces,
            act=act,
            identity=identity,
            is_name_composed=profile.subject.composition is not None,
            activation=activation,
        )


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """Where the identity of a certificate's holder comes from: from registration, or from the
    number in the request."""

    registered: IdentityStore
    holders: HolderIdentities
    guard: IdentityGuard


class IssueCertificate:
    """The use case behind CertificateAuthority.IssueCertificate."""

    def __init__(
        self, factory: IssuanceFactory, journal: IssuanceJournal, source: IdentitySource
    ) -> None:
        self._factory = factory
        self._journal = journal
        self._source = source

    async def validate(self, request: IssueRequest) -> None:
        """Everything that can be said without making anything. Raises InvalidRequest."""
        self._draft(request, await self._registered_identity(request))

    async def issue(self, request: IssueRequest) -> CertificateRecord:
        """Issue, or return what the same request issued before.

        Raises InvalidRequest, Conflict, LimitExceeded, TokenUnavailable, TokenRefused,
        StoreUnavailable, Interrupted, WrongState.
        """
        record = await self._journal.find(request.request)
        if record is None:
            draft = self._draft(request, await self._registered_identity(request))
            # Made and sealed before the journal begins: whoever takes an interrupted issuance over
            # needs no identity number.
            draft = replace(draft, identity=await self._identity(request, draft))
            record = await self._journal.begin(draft)
            is_known = record.draft.issuance_id != draft.issuance_id
        else:
            is_known = True
        if is_known:
            await self._require_same_holder(request, record)
        return await self._journal.settle(record, deadline=request.deadline)

    def _draft(self, request: IssueRequest, registered: HolderIdentity | None) -> IssuanceDraft:
        profile = self._factory.profile(request.profile)
        check_subject(profile, request.subject)
        is_given = request.identity_number is not None
        profile.check_identity(given=is_given or (profile.identify_data and registered is not None))
        if is_given and registered is not None:
            # Not compared: who may issue could try numbers, until one is taken.
            raise InvalidRequest(
                f"subscribers/{request.subscriber} was registered with an identity number, which "
                "is certified; leave identity_number out",
                reason="IDENTITY_REGISTERED",
                field="subject.identity_number",
            )
        name = real_name(request.subject.common_name)
        if registered is not None and name != registered.real_name:
            raise InvalidRequest(
                f"subject.common_name is not the name that subscribers/{request.subscriber} was "
                "registered with; correct it, or have the registration changed",
                reason="NAME_NOT_REGISTERED",
                field="subject.common_name",
            )
        spki = None
        if request.csr is not None:
            if request.activation is Activation.REQUIRED:
                raise InvalidRequest(
                    "activation: the key of a CSR is not on the token, which could not refuse to "
                    "use it; leave it out, or have the key made on the token",
                    reason="ACTIVATION_UNSUPPORTED",
                    field="activation",
                )
            spki = parse_csr(request.csr).spki
            profile.check_csr_key(spki)
        else:
            profile.check_algorithm(request.algorithm)
        return self._factory.draft(
            request=request.request,
            subscriber=request.subscriber,
            profile=profile,
            subject=request.subject,
            algorithm=request.algorithm,
            spki=spki,
            key_group=request.key_group,
            validity=validity_at(
                profile, self._factory.clock.now(), self._factory.issuer_not_after_utc
            ),
            identity=registered if profile.identify_data else None,
            activation=request.activation,
        )

    async def _registered_identity(self, request: IssueRequest) -> HolderIdentity | None:
        if not self._factory.profile(request.profile).identify_data:
            return None
        return await self._source.registered.find_identity(request.subscriber)

    async def _identity(self, request: IssueRequest, draft: IssuanceDraft) -> HolderIdentity | None:
        if request.identity_number is None:
            return draft.identity
        return await self._source.holders.make(
            request.subscriber,
            real_name(request.subject.common_name),
            request.identity_number,
            deadline=request.deadline,
        )

    async def _require_same_holder(self, request: IssueRequest, record: IssuanceRecord) -> None:
        """The number of a retry is the first one's. A hash of the content would tell, and would
        give the number away to whoever hashes all there are: so it is compared with the VID."""
        identity = record.draft.identity
        if request.identity_number is None or identity is None or identity.sealed_random is None:
            return
        question = IdentityQuestion(
            request.request.principal,
            request.request.request_id,
            certificate_id_of(record.draft.serial),
            request.identity_number,
            request.deadline,
            request.request.method,
        )
        if not await self._source.guard.matches(question, request.subscriber, identity):
            raise Conflict(
                f"request_id {request.request.request_id} was already used with another "
                "identity_number; choose a new one for a new request",
                reason="REQUEST_ID_REUSED",
                field="request_id",
            )
