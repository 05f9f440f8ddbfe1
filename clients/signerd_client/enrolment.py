"""Enrolments as the client gives them to its callers. Times are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from google.protobuf.descriptor import EnumDescriptor

from signerd.v1 import enrolment_pb2 as wire
from signerd_client.certificate import Certificate, certificate_from_wire

KindT = TypeVar("KindT", bound=StrEnum)

_FACTOR_PREFIX = "FACTOR_"
_PURPOSE_PREFIX = "ENROLMENT_PURPOSE_"
_STATE_PREFIX = "ENROLMENT_STATE_"


class Factor(StrEnum):
    """A kind of proof of identity; UNKNOWN is for one that is newer than this client."""

    DOCUMENT = "DOCUMENT"
    PASSWORD = "PASSWORD"  # noqa: S105 - names a kind of proof
    BIOMETRIC = "BIOMETRIC"
    PHONE_CODE = "PHONE_CODE"
    EMAIL_CODE = "EMAIL_CODE"
    UNKNOWN = "UNKNOWN"


class EnrolmentPurpose(StrEnum):
    """ISSUE: a first certificate, or one after the last has expired. REISSUE: in place of one that
    is lost, damaged or revoked, with the old expiry. LOSS_REPORT: its revocation."""

    ISSUE = "ISSUE"
    REISSUE = "REISSUE"
    LOSS_REPORT = "LOSS_REPORT"
    UNKNOWN = "UNKNOWN"


class EnrolmentState(StrEnum):
    """OPEN: proofs are missing. AUTHORISED: the certificate can be claimed, or the loss reported.
    EXPIRED: not completed in time."""

    OPEN = "OPEN"
    AUTHORISED = "AUTHORISED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class FactorGroup:
    """Proofs of which any one will do, and whether one was given."""

    any_of: tuple[Factor, ...]
    met: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An application for a certificate or its reissue, or a report of its loss.

    needed: one proof of each group. proven: the proofs that were given. support_reference: the
    number a customer quotes to support. old_certificate: to reissue or revoke; certificate: the
    one that was issued; both resource names, empty where there is none. expire_time: when it ends
    unless completed.
    lock_release_time: while proofs are refused because too many failed, the time of release.
    """

    name: str
    subscriber: str
    purpose: EnrolmentPurpose
    state: EnrolmentState
    needed: tuple[FactorGroup, ...]
    support_reference: str
    profile: str
    old_certificate: str
    certificate: str
    open_time: datetime
    expire_time: datetime
    lock_release_time: datetime | None
    proven: tuple[Factor, ...]

    @property
    def missing(self) -> tuple[FactorGroup, ...]:
        """What is still to be proven."""
        return tuple(group for group in self.needed if not group.met)


@dataclass(frozen=True, slots=True)
class SentCode:
    """Where a one-time code went, masked, and when it lapses."""

    sent_to: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What gets the certificate, together, once. authorisation_code is a secret of the customer;
    expire_time: when both lapse."""

    reference_number: str
    authorisation_code: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """The enrolment after a proof. authorisation: with the last proof for a certificate."""

    enrolment: Enrolment
    authorisation: Authorisation | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """The certificate, and for a reissue the one that it replaced, revoked."""

    certificate: Certificate
    replaced: Certificate | None


@dataclass(frozen=True, slots=True)
class EnrolmentEvent:
    """A step in the story of an enrolment. kind: such as "proof_refused"; details: such as the
    factor and the reason of a refusal."""

    event_time: datetime
    principal: str
    kind: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EnrolmentStory:
    """An enrolment with every step and refusal, oldest first, without secrets."""

    enrolment: Enrolment
    events: tuple[EnrolmentEvent, ...]


def enrolment_from_wire(message: wire.EnrolmentRecord) -> Enrolment:
    """The value of a message."""
    return Enrolment(
        name=message.name,
        subscriber=message.subscriber,
        purpose=_kind(
            wire.EnrolmentPurpose.DESCRIPTOR, message.purpose, _PURPOSE_PREFIX, EnrolmentPurpose
        ),
        state=_kind(wire.EnrolmentState.DESCRIPTOR, message.state, _STATE_PREFIX, EnrolmentState),
        needed=tuple(
            FactorGroup(tuple(map(_factor, group.any_of)), group.met) for group in message.needed
        ),
        support_reference=message.support_reference,
        profile=message.profile,
        old_certificate=message.old_certificate,
        certificate=message.certificate,
        open_time=message.open_time.ToDatetime(UTC),
        expire_time=message.expire_time.ToDatetime(UTC),
        lock_release_time=message.lock_release_time.ToDatetime(UTC)
        if message.HasField("lock_release_time")
        else None,
        proven=tuple(map(_factor, message.proven)),
    )


def proven_from_wire(message: wire.ProveIdentityResponse) -> Proven:
    """The value of a message."""
    made = message.authorisation
    return Proven(
        enrolment_from_wire(message.enrolment),
        Authorisation(
            made.reference_number, made.authorisation_code, made.expire_time.ToDatetime(UTC)
        )
        if message.HasField("authorisation")
        else None,
    )


def claimed_from_wire(message: wire.ClaimCertificateResponse) -> Claimed:
    """The value of a message."""
    return Claimed(
        certificate_from_wire(message.certificate),
        certificate_from_wire(message.replaced) if message.HasField("replaced") else None,
    )


def story_from_wire(message: wire.GetEnrolmentResponse) -> EnrolmentStory:
    """The value of a message."""
    return EnrolmentStory(
        enrolment_from_wire(message.enrolment),
        tuple(
            EnrolmentEvent(
                event_time=event.event_time.ToDatetime(UTC),
                principal=event.principal,
                kind=event.kind,
                details=dict(event.details),
            )
            for event in message.events
        ),
    )


def factor_to_wire(factor: Factor | str) -> wire.Factor.ValueType:
    """Raises ValueError for a name that is no factor."""
    return wire.Factor.Value(_FACTOR_PREFIX + Factor(factor))


def purpose_to_wire(purpose: EnrolmentPurpose | str) -> wire.EnrolmentPurpose.ValueType:
    """Raises ValueError for a name that is no purpose."""
    return wire.EnrolmentPurpose.Value(_PURPOSE_PREFIX + EnrolmentPurpose(purpose))


def enrolment_state_to_wire(
    state: EnrolmentState | str | None,
) -> wire.EnrolmentState.ValueType:
    """None is any state. Raises ValueError for a name that is no state."""
    if state is None:
        return wire.ENROLMENT_STATE_UNSPECIFIED
    return wire.EnrolmentState.Value(_STATE_PREFIX + EnrolmentState(state))


def _factor(number: int) -> Factor:
    return _kind(wire.Factor.DESCRIPTOR, number, _FACTOR_PREFIX, Factor)


def _kind(names: EnumDescriptor, number: int, prefix: str, kind: type[KindT]) -> KindT:
    """UNKNOWN for a number of a later version."""
    value = names.values_by_number.get(number)
    name = value.name.removeprefix(prefix) if value else ""
    return kind(name if name in kind.__members__ else "UNKNOWN")
