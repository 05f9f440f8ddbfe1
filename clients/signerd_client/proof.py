"""Proofs of identity as callers give them. No repr shows what proves."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from signerd.v1 import enrolment_pb2 as wire
from signerd_client.enrolment import Factor, factor_to_wire
from signerd_client.name import enrolment_name, subscriber_name
from signerd_client.subscriber import DocumentKind, document_kind_to_wire


@dataclass(frozen=True, slots=True)
class DocumentProof:
    """The identity document in the customer's hands. number: as printed."""

    kind: DocumentKind | str
    number: str = field(repr=False)
    issue_date: date = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """The password of the subscriber."""

    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeProof:
    """A one-time code. factor: PHONE_CODE or EMAIL_CODE, whichever it was sent for."""

    factor: Factor | str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BiometricProof:
    """A statement of the bank's app that it recognised the customer (`biometric_statement`), with
    its signature by the registered key: ECDSA with SHA-256 (DER), Ed25519, or RSASSA-PKCS1-v1_5
    with SHA-256."""

    statement: str
    signature: bytes = field(repr=False)


Proof = DocumentProof | PasswordProof | CodeProof | BiometricProof


def biometric_statement(enrolment: str, subscriber: str, moment: datetime) -> str:
    """What the app signs. moment: with its zone; a statement proves something for two minutes."""
    at = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return (
        f"signerd.v1 biometric proof for {enrolment_name(enrolment)}"
        f" of {subscriber_name(subscriber)} at {at}"
    )


def proof_to_wire(enrolment: str, proof: Proof) -> wire.ProveIdentityRequest:
    """The request that gives a proof, still without its id. Raises ValueError for unknown kinds."""
    request = wire.ProveIdentityRequest(enrolment=enrolment_name(enrolment))
    match proof:
        case DocumentProof(kind, number, issue_date):
            request.document.kind = document_kind_to_wire(kind)
            request.document.number = number
            request.document.issue_date = issue_date.isoformat()
        case PasswordProof(password):
            request.password = password
        case CodeProof(factor, code):
            request.code.factor = factor_to_wire(factor)
            request.code.code = code
        case BiometricProof(statement, signature):
            request.biometric.statement = statement
            request.biometric.signature = signature
    return request
