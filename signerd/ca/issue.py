"""Issue a certificate to a subscriber."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from signerd.ca.journal import IssuanceJournal
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import InvalidRequest
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import (
    CertificateRecord,
    IssuanceDraft,
    RequestKey,
    SubjectRecord,
)
from signerd.core.value import (
    CertificateId,
    InstanceId,
    IssuanceId,
    SubscriberId,
    serial_from,
)
from signerd.pki.csr import parse_csr
from signerd.pki.name import check_subject
from signerd.pki.profile import Profile
from signerd.pki.validity import validity_at


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """A checked call. Exactly one of algorithm (key on the token) and csr (DER or PEM) is set.
    deadline: seconds of time.monotonic()."""

    request: RequestKey
    subscriber: SubscriberId
    profile: str
    subject: SubjectRecord
    algorithm: KeyAlgorithm | None
    csr: bytes | None
    key_group: str
    deadline: float


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
        profile: str,
        subject: SubjectRecord,
        algorithm: KeyAlgorithm | None,
        spki: bytes | None,
        key_group: str,
        validity: tuple[datetime, datetime],
        replaces: CertificateId | None = None,
        act: CertificateAct = CertificateAct.REISSUE,
    ) -> IssuanceDraft:
        """A draft with a new serial and, for a key on the token, a new CKA_ID."""
        not_before, not_after = validity
        return IssuanceDraft(
            issuance_id=IssuanceId(self.random(16).hex()),
            request=request,
            owner=self.owner,
            subscriber=subscriber,
            profile=profile,
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
        )


class IssueCertificate:
    """The use case behind CertificateAuthority.IssueCertificate."""

    def __init__(self, factory: IssuanceFactory, journal: IssuanceJournal) -> None:
        self._factory = factory
        self._journal = journal

    def validate(self, request: IssueRequest) -> IssuanceDraft:
        """Everything that can be said without making anything. Raises InvalidRequest."""
        profile = self._factory.profile(request.profile)
        check_subject(profile, request.subject)
        profile.check_identity(given=False)
        spki = None
        if request.csr is not None:
            spki = parse_csr(request.csr).spki
            profile.check_csr_key(spki)
        else:
            profile.check_algorithm(request.algorithm)
        return self._factory.draft(
            request=request.request,
            subscriber=request.subscriber,
            profile=request.profile,
            subject=request.subject,
            algorithm=request.algorithm,
            spki=spki,
            key_group=request.key_group,
            validity=validity_at(
                profile, self._factory.clock.now(), self._factory.issuer_not_after_utc
            ),
        )

    async def issue(self, request: IssueRequest) -> CertificateRecord:
        """Issue, or return what the same request issued before.

        Raises InvalidRequest, Conflict, LimitExceeded, TokenUnavailable, TokenRefused,
        StoreUnavailable, Interrupted.
        """
        record = await self._journal.find(request.request)
        if record is None:
            record = await self._journal.begin(self.validate(request))
        return await self._journal.settle(record, deadline=request.deadline)
