"""The enrolment that the scripted daemon has: a reissue whose document is proven."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from signerd.v1 import enrolment_pb2 as wire

REFERENCE_NUMBER = "9070503010206"
AUTHORISATION_CODE = "7KQ2M-9XW4T-PB3HC-V0N8E"
SUPPORT_REFERENCE = "7KQ2M-9XW4T"
_OPENED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_ENDS = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def enrolment() -> wire.EnrolmentRecord:
    """The phone code is still needed."""
    return wire.EnrolmentRecord(
        name="enrolments/6a9f60a1",
        subscriber="subscribers/hong-gildong",
        purpose=wire.ENROLMENT_PURPOSE_REISSUE,
        state=wire.ENROLMENT_STATE_OPEN,
        needed=[
            wire.FactorGroup(any_of=[wire.FACTOR_DOCUMENT], met=True),
            wire.FactorGroup(any_of=[wire.FACTOR_PHONE_CODE, wire.FACTOR_EMAIL_CODE]),
        ],
        support_reference=SUPPORT_REFERENCE,
        profile="personal",
        old_certificate="certificates/4f",
        open_time=_timestamp(_OPENED),
        expire_time=_timestamp(_ENDS),
        lock_release_time=_timestamp(_ENDS),
        proven=[wire.FACTOR_DOCUMENT],
    )


def proven(_request: wire.ProveIdentityRequest) -> wire.ProveIdentityResponse:
    """Every proof is the last."""
    record = enrolment()
    record.state = wire.ENROLMENT_STATE_AUTHORISED
    for group in record.needed:
        group.met = True
    return wire.ProveIdentityResponse(
        enrolment=record,
        authorisation=wire.Authorisation(
            reference_number=REFERENCE_NUMBER,
            authorisation_code=AUTHORISATION_CODE,
            expire_time=_timestamp(_ENDS),
        ),
    )


def story() -> wire.GetEnrolmentResponse:
    """Opened, and a code that was wrong."""
    refusal = {"factor": "PHONE_CODE", "reason": "CODE_WRONG"}
    return wire.GetEnrolmentResponse(
        enrolment=enrolment(),
        events=[
            wire.EnrolmentEvent(
                event_time=_timestamp(_OPENED), principal="uri:spiffe://bank/ra", kind="opened"
            ),
            wire.EnrolmentEvent(
                event_time=_timestamp(_OPENED),
                principal="uri:spiffe://bank/ra",
                kind="proof_refused",
                details=refusal,
            ),
        ],
    )


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message
