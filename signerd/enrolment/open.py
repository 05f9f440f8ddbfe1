"""Open an enrolment."""

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from signerd.audit.event import EventKind
from signerd.core.activation import Activation
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import Interrupted, InvalidRequest, NotFound, SignerdError, WrongState
from signerd.core.evidence import EnrolmentPurpose
from signerd.core.record import RequestKey
from signerd.core.value import CertificateId, EnrolmentId, SubscriberId
from signerd.enrolment.call import EnrolmentContext, referred
from signerd.enrolment.certificate import EnrolmentCertificates
from signerd.identity.random_text import random_text
from signerd.registry.answered import Caller

_LIFETIME: Final = timedelta(days=1)
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 5
_LONGEST_PROFILE: Final = 63


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A checked call."""

    request: RequestKey
    subscriber: SubscriberId
    purpose: EnrolmentPurpose
    profile: str
    algorithm: KeyAlgorithm | None
    key_group: str
    certificate: CertificateId | None
    activation: Activation = Activation.NONE


class OpenEnrolment:
    """The use case behind Enrolment.OpenEnrolment."""

    def __init__(self, context: EnrolmentContext, certificates: EnrolmentCertificates) -> None:
        self._context = context
        self._certificates = certificates

    async def open(self, request: OpenRequest, caller: Caller) -> EnrolmentRecord:
        """The enrolment; the same request again: as it stands.

        What is refused because of the certificates there are is kept as CANCELLED, for support.
        Raises NotFound, PermissionDenied, InvalidRequest, WrongState, Conflict, StoreUnavailable,
        and as Sealer.
        """
        registered = await self._context.registered(request.subscriber, caller)
        record = self._record(request)
        try:
            known = await self._context.store.get_enrolment(record.enrolment)
        except NotFound:
            try:
                old = await self._certificates.check(record, registered, caller)
            except (InvalidRequest, WrongState, NotFound, Interrupted) as error:
                raise await self._refused(record, caller, error) from None
            if old is not None:
                record = replace(
                    record,
                    profile=old.profile,
                    algorithm=old.algorithm,
                    key_group=old.key_group,
                    activation=old.activation,
                )
        else:
            record = known
        event = self._context.event(
            EventKind.ENROLMENT_OPENED, record, caller, purpose=record.purpose.value
        )
        return await self._context.store.open_enrolment(request.request, record, event)

    async def _refused(
        self, record: EnrolmentRecord, caller: Caller, error: SignerdError
    ) -> SignerdError:
        refused = replace(
            record,
            enrolment=EnrolmentId(self._context.random(16).hex()),
            state=EnrolmentState.CANCELLED,
            # Perhaps the very thing that was refused.
            profile=record.profile[:_LONGEST_PROFILE],
        )
        event = self._context.event(
            EventKind.ENROLMENT_REFUSED,
            refused,
            caller,
            purpose=record.purpose.value,
            reason=error.reason,
        )
        await self._context.store.open_enrolment(None, refused, event)
        return referred(refused, error)

    def _record(self, request: OpenRequest) -> EnrolmentRecord:
        now = self._context.clock.now()
        reference = random_text(_ALPHABET, 2 * _GROUP, self._context.random)
        return EnrolmentRecord(
            enrolment=_enrolment_of(request.request),
            subscriber=request.subscriber,
            purpose=request.purpose,
            state=EnrolmentState.OPEN,
            support_reference=f"{reference[:_GROUP]}-{reference[_GROUP:]}",
            opened_utc=now,
            expires_utc=now + _LIFETIME,
            profile=request.profile,
            algorithm=request.algorithm,
            key_group=request.key_group,
            activation=request.activation,
            old_certificate=request.certificate,
        )


def _enrolment_of(request: RequestKey) -> EnrolmentId:
    """The same for the same call, so that its repetition finds the enrolment."""
    named = f"{request.principal}\n{request.method}\n{request.request_id}"
    return EnrolmentId(sha256(named.encode()).hexdigest()[:32])
