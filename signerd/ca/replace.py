"""Acts that end a certificate in favour of a new one with a new key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from signerd.ca.issue import IssuanceFactory
from signerd.ca.journal import IssuanceJournal
from signerd.ca.ports import CertificateStore
from signerd.ca.scope import find_in_scope
from signerd.core.error import WrongState
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateRecord, HolderIdentity, IssuanceDraft, RequestKey
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId
from signerd.pki.profile import Profile
from signerd.policy.decide import Scope

Judge = Callable[[CertificateRecord, Profile, datetime], tuple[datetime, datetime]]
"""Gives notBefore and notAfter (UTC) of the new certificate for the old one, its profile and the
time, or raises what forbids it."""


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """A checked call. deadline: seconds of time.monotonic()."""

    request: RequestKey
    certificate: CertificateId
    scope: Scope
    deadline: float


class CertificateReplacer:
    """What reissue and renewal have in common."""

    def __init__(
        self,
        factory: IssuanceFactory,
        certificates: CertificateStore,
        journal: IssuanceJournal,
    ) -> None:
        self._factory = factory
        self._certificates = certificates
        self._journal = journal

    async def validate(
        self, call: ReplaceRequest, act: CertificateAct, judge: Judge
    ) -> CertificateRecord:
        """The certificate to replace, if it may be. Raises NotFound, PermissionDenied,
        WrongState, InvalidRequest (PROFILE_UNKNOWN), and what the judge raises."""
        old = await find_in_scope(self._certificates, call.certificate, call.scope)
        self._draft(call, act, judge, old)
        return old

    async def replace(
        self, call: ReplaceRequest, act: CertificateAct, judge: Judge
    ) -> tuple[CertificateRecord, CertificateRecord]:
        """The new certificate and the old one, revoked.

        The same request again returns the same pair: by then the old certificate can no longer be
        replaced, so the journal is asked before its state is judged. Raises as validate, and as
        IssueCertificate.issue.
        """
        old = await find_in_scope(self._certificates, call.certificate, call.scope)
        record = await self._journal.find(call.request)
        if record is None:
            record = await self._journal.begin(self._draft(call, act, judge, old))
        new = await self._journal.settle(record, deadline=call.deadline)
        return new, await self._certificates.get_certificate(old.certificate_id)

    def _draft(
        self, call: ReplaceRequest, act: CertificateAct, judge: Judge, old: CertificateRecord
    ) -> IssuanceDraft:
        now = self._factory.clock.now()
        next_state(old, act, now)
        if old.credential is None:
            raise WrongState(
                f"certificates/{old.certificate_id} was issued for a CSR, whose key is not on the "
                "token; issue a new certificate with a new CSR instead",
                reason="CSR_CERTIFICATE",
            )
        profile = self._factory.profile(old.profile)
        return self._factory.draft(
            request=call.request,
            subscriber=old.subscriber,
            profile=profile,
            subject=old.subject_record,
            algorithm=old.algorithm,
            spki=None,
            key_group=old.key_group,
            validity=judge(old, profile, now),
            replaces=old.certificate_id,
            act=act,
            identity=_identity_carried(old, profile),
            activation=old.activation,
        )


def _identity_carried(old: CertificateRecord, profile: Profile) -> HolderIdentity | None:
    """The holder's identity: the same VID in the new certificate."""
    if not profile.identify_data:
        return None
    if old.identity is None:
        raise WrongState(
            f'certificates/{old.certificate_id} has no virtual ID, which profile "{profile.name}" '
            "certifies by now; issue a new certificate",
            reason="IDENTITY_ABSENT",
        )
    if old.identity.sealed_random is None:
        raise WrongState(
            f"the personal data of subscribers/{old.subscriber} was erased, so that nothing tells "
            f"any more whom certificates/{old.certificate_id} belonged to; issue a new certificate",
            reason="IDENTITY_ERASED",
        )
    return old.identity
