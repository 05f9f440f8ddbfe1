"""The certificate that an enrolment is about: what may be asked for, and how it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from signerd.ca.issue import IssueCertificate, IssueRequest
from signerd.ca.ports import CertificateStore
from signerd.ca.reissue import ReissueCertificate
from signerd.ca.replace import ReplaceRequest
from signerd.ca.scope import find_in_scope
from signerd.core.clock import Clock
from signerd.core.enrolment import EnrolmentRecord
from signerd.core.error import InvalidRequest, WrongState
from signerd.core.evidence import EnrolmentPurpose
from signerd.core.lifecycle import CertificateAct, CertificateState
from signerd.core.record import (
    CertificateFilter,
    CertificateRecord,
    Page,
    RequestKey,
    SubjectRecord,
)
from signerd.core.state_machine import next_state, state_of
from signerd.core.value import EnrolmentId
from signerd.enrolment.call import Registered
from signerd.pki.profile import Presence, Profile
from signerd.registry.answered import Caller

CLAIM = "ClaimCertificate"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class EnrolmentCertificates:
    """Asks and makes certificates for enrolments."""

    certificates: CertificateStore
    issuer: IssueCertificate
    reissuer: ReissueCertificate
    profiles: Callable[[], dict[str, Profile]]
    clock: Clock

    async def check(
        self, record: EnrolmentRecord, registered: Registered, caller: Caller
    ) -> CertificateRecord | None:
        """Whether the certificates there are allow what is asked for; the old one, unless it is
        for ISSUE.

        Raises NotFound, PermissionDenied, InvalidRequest, WrongState.
        """
        if record.purpose is EnrolmentPurpose.ISSUE:
            await self._check_first(record)
            await self.issuer.validate(self._issue_request(record, registered, caller))
            return None
        if record.old_certificate is None:
            raise InvalidRequest(
                "certificate: name the certificate to reissue or whose loss is reported",
                reason="CERTIFICATE_MISSING",
                field="certificate",
            )
        old = await find_in_scope(self.certificates, record.old_certificate, caller.scope)
        if old.subscriber != record.subscriber:
            raise InvalidRequest(
                f"certificate: certificates/{old.certificate_id} is another subscriber's",
                reason="CERTIFICATE_FOREIGN",
                field="certificate",
            )
        if record.purpose is EnrolmentPurpose.REISSUE:
            return await self.reissuer.validate(_replace_request(record, caller))
        next_state(old, CertificateAct.REVOKE, self.clock.now())
        return old

    async def make(
        self, record: EnrolmentRecord, registered: Registered, caller: Caller
    ) -> CertificateRecord:
        """The certificate, made once however often this is called. Raises as
        IssueCertificate.issue and ReissueCertificate.reissue."""
        if record.purpose is EnrolmentPurpose.REISSUE:
            new, _ = await self.reissuer.reissue(_replace_request(record, caller))
            return new
        return await self.issuer.issue(self._issue_request(record, registered, caller))

    async def _check_first(self, record: EnrolmentRecord) -> None:
        """A subscriber has one certificate of a profile; who had one revoked before its expiry
        gets it back with the old expiry."""
        now = self.clock.now()
        where = CertificateFilter(subscriber=record.subscriber)
        cursor = ""
        while True:
            found, cursor = await self.certificates.list_certificates(
                where, Page(_PAGE, cursor), now
            )
            for one in found:
                if one.profile == record.profile:
                    _refuse_second(one, state_of(one, now), is_over=one.not_after_utc < now)
            if not cursor:
                return

    def _issue_request(
        self, record: EnrolmentRecord, registered: Registered, caller: Caller
    ) -> IssueRequest:
        """As registered; the e-mail address where the profile has a place for it."""
        subscriber = registered.record
        profile = self.profiles().get(record.profile)
        has_email = profile is not None and profile.email is not Presence.REFUSED
        return IssueRequest(
            request=claim_request(record, caller.principal),
            subscriber=record.subscriber,
            profile=record.profile,
            subject=SubjectRecord(
                common_name=subscriber.real_name,
                email=registered.data.email if has_email else "",
                branch=subscriber.branch,
            ),
            algorithm=record.algorithm,
            csr=None,
            key_group=record.key_group,
            activation=record.activation,
            deadline=caller.deadline,
        )


def claim_request(record: EnrolmentRecord, principal: str) -> RequestKey:
    """The request under which an enrolment's certificate is made: always the same one."""
    content = sha256(f"enrolments/{record.enrolment}".encode()).digest()
    return RequestKey(principal, CLAIM, claim_request_id(record.enrolment), content)


def claim_request_id(enrolment: EnrolmentId) -> str:
    """A UUID of its own for each enrolment."""
    return str(UUID(bytes=sha256(f"claim of {enrolment}".encode()).digest()[:16]))


def _refuse_second(one: CertificateRecord, state: CertificateState, *, is_over: bool) -> None:
    name = f"certificates/{one.certificate_id}"
    if state in (CertificateState.ACTIVE, CertificateState.SUSPENDED):
        advice = (
            "reissue it if it is lost or damaged, renew it before it expires"
            if state is CertificateState.ACTIVE
            else "resume it"
        )
        raise WrongState(
            f"the subscriber still has {name} of this profile; {advice}",
            reason="CERTIFICATE_VALID",
            metadata={"certificate": name},
        )
    if state is CertificateState.REVOKED and not is_over and one.replaced_by is None:
        raise WrongState(
            f"{name} of this profile was revoked before its expiry; open an enrolment to reissue "
            "it instead: the new one has the old expiry",
            reason="REISSUE_INSTEAD",
            metadata={"certificate": name},
        )


def _replace_request(record: EnrolmentRecord, caller: Caller) -> ReplaceRequest:
    if record.old_certificate is None:
        raise InvalidRequest("certificate: name the certificate to reissue", field="certificate")
    return ReplaceRequest(
        claim_request(record, caller.principal),
        record.old_certificate,
        caller.scope,
        caller.deadline,
    )
