"""What the enrolment calls call, and enrolments as the API shows them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from signerd.audit.event import AuditEvent
from signerd.core.clock import Clock
from signerd.core.enrolment import EnrolmentRecord, EnrolmentState
from signerd.core.error import InvalidRequest
from signerd.core.evidence import Factor
from signerd.core.value import EnrolmentId, parse_request_id
from signerd.enrolment.claim import ClaimCertificate
from signerd.enrolment.evidence import EvidenceRegistration
from signerd.enrolment.open import OpenEnrolment
from signerd.enrolment.prove import ProveIdentity
from signerd.enrolment.report_loss import ReportLoss
from signerd.enrolment.send_code import SendCode
from signerd.enrolment.show import EnrolmentQuery
from signerd.identity.factor import standing
from signerd.identity.load import IdentityRules
from signerd.registry.answered import Caller
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import enrolment_pb2 as pb

_Kind = TypeVar("_Kind", bound=StrEnum)

_Change: TypeAlias = (
    pb.SetPasswordRequest
    | pb.RegisterBiometricKeyRequest
    | pb.OpenEnrolmentRequest
    | pb.SendCodeRequest
    | pb.ProveIdentityRequest
    | pb.ClaimCertificateRequest
    | pb.ReportLossRequest
    | pb.CancelEnrolmentRequest
)


@dataclass(frozen=True, slots=True)
class EnrolmentUseCases:
    """What these calls call."""

    open: OpenEnrolment
    send_code: SendCode
    prove: ProveIdentity
    claim: ClaimCertificate
    report_loss: ReportLoss
    evidence: EvidenceRegistration
    query: EnrolmentQuery
    rules: IdentityRules
    clock: Clock


def caller_of(change: _Change | None = None) -> Caller:
    """Who calls. change: the request, where it changes something. Raises InvalidRequest."""
    caller = current_caller.get()
    return Caller(
        principal=caller.principal,
        request_id=caller.request_id if change is None else parse_request_id(change.request_id),
        content=b"" if change is None else convert.request_content(change),
        scope=caller.scope,
        deadline=caller.deadline,
    )


def enrolment_from(name: str, *, field: str = "enrolment") -> EnrolmentId:
    """`enrolments/{id}` to the id. Raises InvalidRequest."""
    return EnrolmentId(convert.hex_tail(name, "enrolments/", field))


def kind_from(
    value: int, enum: Any, prefix: str, kind: Callable[[str], _Kind], field: str
) -> _Kind:
    """A value of an enumeration. Raises InvalidRequest for UNSPECIFIED and unknown numbers."""
    name = enum.Name(value).removeprefix(prefix) if value in enum.values() else ""
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(one.removeprefix(prefix) for one in enum.keys()[1:])
        raise InvalidRequest(
            f"{field}: choose one of {known}", reason="VALUE_UNKNOWN", field=field
        ) from None


def enrolment_message(
    record: EnrolmentRecord, rules: IdentityRules, clock: Clock
) -> pb.EnrolmentRecord:
    """An enrolment as the API shows it."""
    now = clock.now()
    state = record.state_at(now)
    message = pb.EnrolmentRecord(
        name=f"enrolments/{record.enrolment}",
        subscriber=f"subscribers/{record.subscriber}",
        purpose=pb.EnrolmentPurpose.Value(f"ENROLMENT_PURPOSE_{record.purpose}"),
        state=pb.EnrolmentState.Value(f"ENROLMENT_STATE_{state}"),
        support_reference=record.support_reference,
        profile=record.profile,
        old_certificate=f"certificates/{record.old_certificate}" if record.old_certificate else "",
        certificate=f"certificates/{record.certificate}" if record.certificate else "",
        open_time=convert.timestamp_to(record.opened_utc),
        expire_time=convert.timestamp_to(record.expires_utc),
        proven=_factors(record.proven),
    )
    for group in standing(rules.factors, record.purpose, record.proven):
        message.needed.add(any_of=_factors(group.group), met=group.is_met)
    locks = [record.failures, *(code.failures for code in record.codes.values())]
    releases = [one.release_utc for one in locks if one.release_utc and one.release_utc > now]
    if releases and state in (EnrolmentState.OPEN, EnrolmentState.AUTHORISED):
        message.lock_release_time.FromDatetime(max(releases))
    return message


def _factors(factors: Iterable[Factor]) -> list[pb.Factor.ValueType]:
    return sorted(pb.Factor.Value(f"FACTOR_{one}") for one in factors)


def event_message(event: AuditEvent) -> pb.EnrolmentEvent:
    """A line of the story: its kind without the word that all share."""
    return pb.EnrolmentEvent(
        event_time=convert.timestamp_to(event.time_utc),
        principal=event.principal,
        kind=event.kind.value.removeprefix("enrolment."),
        details=event.details,
    )
