"""Reissue: new key, same holder, profile and expiry; the old certificate ends in that instant."""

from dataclasses import dataclass

from signerd.ca.issue import IssuanceFactory
from signerd.ca.journal import IssuanceJournal
from signerd.ca.ports import CertificateStore
from signerd.core.error import PermissionDenied, WrongState
from signerd.core.lifecycle import CertificateState
from signerd.core.record import CertificateRecord, IssuanceDraft, RequestKey
from signerd.core.value import CertificateId
from signerd.pki.validity import validity_until
from signerd.policy.decide import Scope


@dataclass(frozen=True, slots=True)
class ReissueRequest:
    """A checked call. deadline: seconds of time.monotonic()."""

    request: RequestKey
    certificate: CertificateId
    scope: Scope
    deadline: float


class ReissueCertificate:
    """The use case behind CertificateAuthority.ReissueCertificate."""

    def __init__(
        self,
        factory: IssuanceFactory,
        certificates: CertificateStore,
        journal: IssuanceJournal,
    ) -> None:
        self._factory = factory
        self._certificates = certificates
        self._journal = journal

    async def validate(self, request: ReissueRequest) -> CertificateRecord:
        """The certificate to replace, if it may be. Raises NotFound, PermissionDenied,
        WrongState."""
        old = await self._find(request)
        self._check_replaceable(old)
        return old

    async def reissue(self, request: ReissueRequest) -> tuple[CertificateRecord, CertificateRecord]:
        """The new certificate and the old one, revoked.

        The same request again returns the same pair: by then the old certificate is no longer
        active, so the journal is asked before its state is judged. Raises as validate, and as
        IssueCertificate.issue.
        """
        old = await self._find(request)
        record = await self._journal.find(request.request)
        if record is None:
            self._check_replaceable(old)
            record = await self._journal.begin(self._draft(request, old))
        new = await self._journal.settle(record, deadline=request.deadline)
        return new, await self._certificates.get_certificate(old.certificate_id)

    async def _find(self, request: ReissueRequest) -> CertificateRecord:
        old = await self._certificates.get_certificate(request.certificate)
        if not request.scope.covers(old.subscriber, old.key_group):
            raise PermissionDenied(
                f"certificates/{old.certificate_id} is outside your grants",
                reason="OUT_OF_SCOPE",
            )
        return old

    def _check_replaceable(self, old: CertificateRecord) -> None:
        if old.state is not CertificateState.ACTIVE:
            raise WrongState(
                f"certificates/{old.certificate_id} is {old.state.value.lower()}; "
                "only an active certificate can be reissued",
                reason="CERTIFICATE_NOT_ACTIVE",
            )
        if old.not_after_utc <= self._factory.clock.now():
            raise WrongState(
                f"certificates/{old.certificate_id} has expired; issue a new certificate instead",
                reason="CERTIFICATE_EXPIRED",
            )
        if old.credential is None:
            raise WrongState(
                f"certificates/{old.certificate_id} was issued for a CSR, whose key is not on the "
                "token; issue a new certificate with a new CSR instead",
                reason="CSR_CERTIFICATE",
            )

    def _draft(self, request: ReissueRequest, old: CertificateRecord) -> IssuanceDraft:
        profile = self._factory.profile(old.profile)
        now = self._factory.clock.now()
        return self._factory.draft(
            request=request.request,
            subscriber=old.subscriber,
            profile=old.profile,
            subject=old.subject_record,
            algorithm=old.algorithm,
            spki=None,
            key_group=old.key_group,
            validity=validity_until(profile, now, old.not_after_utc),
            replaces=old.certificate_id,
        )
