"""What people see of enrolments."""

from dataclasses import dataclass
from datetime import datetime

from signerctl.view import Row, certificate_lines, moment
from signerd_client.enrolment import (
    Authorisation,
    Claimed,
    Enrolment,
    EnrolmentEvent,
    Factor,
    Proven,
    SentCode,
)

_ALL_FACTORS = frozenset(Factor) - {Factor.UNKNOWN}


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """expire_time: when the password has to be changed."""

    expire_time: datetime


def enrolment_lines(enrolment: Enrolment) -> Row:
    """Everything; what is not there is left out."""
    lines = {
        "enrolment": enrolment.name,
        "subscriber": enrolment.subscriber,
        "purpose": enrolment.purpose,
        "state": enrolment.state,
        "profile": enrolment.profile,
        "old certificate": enrolment.old_certificate,
        "certificate": enrolment.certificate,
        "proven": ", ".join(enrolment.proven),
        "still needed": _missing(enrolment),
        "support": enrolment.support_reference,
        "opened": moment(enrolment.open_time),
        "ends": moment(enrolment.expire_time),
    }
    if enrolment.lock_release_time is not None:
        lines["locked until"] = moment(enrolment.lock_release_time)
    return {label: text for label, text in lines.items() if text}


def enrolment_columns(enrolment: Enrolment) -> Row:
    """The line of a listing."""
    return {
        "ENROLMENT": enrolment.name,
        "OPENED": moment(enrolment.open_time),
        "SUBSCRIBER": enrolment.subscriber.removeprefix("subscribers/"),
        "PURPOSE": enrolment.purpose,
        "STATE": enrolment.state,
        "STILL NEEDED": _missing(enrolment) or "-",
        "SUPPORT": enrolment.support_reference,
    }


def proven_lines(proven: Proven) -> Row:
    """With the authorisation, where there is one."""
    lines = dict(enrolment_lines(proven.enrolment))
    made = proven.authorisation
    if made is not None:
        lines["reference number"] = made.reference_number
        lines["authorisation code"] = made.authorisation_code
        lines["both valid until"] = moment(made.expire_time)
    return {label: text for label, text in lines.items() if text}


def without_code(proven: Proven) -> Proven:
    """What may be shown where the authorisation code goes elsewhere."""
    made = proven.authorisation
    if made is None:
        return proven
    shown = Authorisation(made.reference_number, "", made.expire_time)
    return Proven(proven.enrolment, shown)


def claimed_lines(claimed: Claimed) -> Row:
    return certificate_lines(claimed.certificate)


def sent_lines(sent: SentCode) -> Row:
    return {"sent to": sent.sent_to, "valid until": moment(sent.expire_time)}


def password_lines(done: PasswordSet) -> Row:
    return {"password": "set", "change it by": moment(done.expire_time)}


def step_columns(event: EnrolmentEvent) -> Row:
    """A line of the story."""
    return {
        "TIME": moment(event.event_time),
        "STEP": event.kind,
        "PRINCIPAL": event.principal,
        "DETAILS": " ".join(f"{name}={text}" for name, text in sorted(event.details.items())),
    }


def _missing(enrolment: Enrolment) -> str:
    groups = enrolment.missing
    named = [" or ".join(group.any_of) for group in groups if set(group.any_of) < _ALL_FACTORS]
    of_any = len(groups) - len(named)
    if of_any > 1:
        named.append(f"any {of_any} proofs")
    elif of_any:
        named.append("any other proof" if enrolment.proven else "any proof")
    return ", ".join(named)
