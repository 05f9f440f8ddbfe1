"""Certificates as the client gives them to its callers. Times are UTC."""

import base64
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from signerd.v1 import signing_pb2, types_pb2
from signerd_client.activation import ActivationMode, mode_from_wire
from signerd_client.algorithm import KeyAlgorithm, algorithm_from_wire


class CertificateState(StrEnum):
    """SUSPENDED: on hold, until it is resumed or revoked. UNKNOWN: a state that this version of
    the client does not know."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


class RevocationReason(StrEnum):
    """RFC 5280, section 5.3.1."""

    UNSPECIFIED = "UNSPECIFIED"
    KEY_COMPROMISE = "KEY_COMPROMISE"
    AFFILIATION_CHANGED = "AFFILIATION_CHANGED"
    SUPERSEDED = "SUPERSEDED"
    CESSATION_OF_OPERATION = "CESSATION_OF_OPERATION"
    PRIVILEGE_WITHDRAWN = "PRIVILEGE_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Revocation:
    """When and why a certificate was revoked."""

    revoke_time: datetime
    reason: RevocationReason


@dataclass(frozen=True, slots=True)
class Suspension:
    """Since when a certificate is on hold, and the last moment at which it can be resumed."""

    suspend_time: datetime
    limit_time: datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and what the daemon knows of it.

    name, subscriber, credential, replaces and replaced_by are resource names, empty where there
    is none. serial_number and sha256_fingerprint are lower-case hexadecimal. subject is an
    RFC 4514 string. key_algorithm is None for the key of a CSR. der is the certificate, DER.
    activation: whether the key signs with its subscriber's agreement only. crl_number is that of
    the first CRL that shows its latest change, 0 where there was none.
    """

    name: str
    subscriber: str
    credential: str
    profile: str
    state: CertificateState
    serial_number: str
    subject: str
    not_before_time: datetime
    not_after_time: datetime
    create_time: datetime
    key_algorithm: KeyAlgorithm | None
    der: bytes
    sha256_fingerprint: str
    revocation: Revocation | None
    replaces: str
    replaced_by: str
    key_group: str
    suspension: Suspension | None
    crl_number: int
    activation: ActivationMode = ActivationMode.NONE

    @property
    def pem(self) -> str:
        """The certificate, PEM (RFC 7468)."""
        return pem_encode("CERTIFICATE", self.der)


@dataclass(frozen=True, slots=True)
class Reissued:
    """The new certificate and the old one, revoked."""

    certificate: Certificate
    replaced: Certificate


@dataclass(frozen=True, slots=True)
class Renewed:
    """The new certificate, which expires one period later, and the old one, revoked."""

    certificate: Certificate
    replaced: Certificate


def pem_encode(label: str, der: bytes) -> str:
    """PEM (RFC 7468) with lines of 64 characters and a final newline."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def certificate_from_wire(message: types_pb2.Certificate) -> Certificate:
    """The value of a message."""
    return Certificate(
        name=message.name,
        subscriber=message.subscriber,
        credential=message.credential,
        profile=message.profile,
        state=state_from_wire(message.state),
        serial_number=message.serial_number,
        subject=message.subject,
        not_before_time=message.not_before_time.ToDatetime(UTC),
        not_after_time=message.not_after_time.ToDatetime(UTC),
        create_time=message.create_time.ToDatetime(UTC),
        key_algorithm=algorithm_from_wire(message.key_algorithm),
        der=message.der,
        sha256_fingerprint=message.sha256_fingerprint,
        revocation=revocation_from_wire(message),
        replaces=message.replaces,
        replaced_by=message.replaced_by,
        key_group=message.key_group,
        suspension=_suspension(message),
        crl_number=message.crl_number,
        activation=mode_from_wire(message.activation),
    )


def state_to_wire(state: CertificateState | str | None) -> types_pb2.CertificateState.ValueType:
    """None is any state. Raises ValueError for a name that is not a state."""
    if state is None:
        return types_pb2.CERTIFICATE_STATE_UNSPECIFIED
    return types_pb2.CertificateState.Value(f"CERTIFICATE_STATE_{CertificateState(state)}")


def reason_to_wire(reason: RevocationReason | str) -> types_pb2.RevocationReason.ValueType:
    """Raises ValueError for a name that is not a reason."""
    return types_pb2.RevocationReason.Value(f"REVOCATION_REASON_{RevocationReason(reason)}")


def state_from_wire(number: int) -> CertificateState:
    """UNKNOWN for a state newer than this client."""
    value = types_pb2.CertificateState.DESCRIPTOR.values_by_number.get(number)
    name = value.name.removeprefix("CERTIFICATE_STATE_") if value else ""
    known = name in CertificateState.__members__
    return CertificateState(name) if known else CertificateState.UNKNOWN


def _suspension(message: types_pb2.Certificate) -> Suspension | None:
    if not message.HasField("suspension"):
        return None
    return Suspension(
        suspend_time=message.suspension.suspend_time.ToDatetime(UTC),
        limit_time=message.suspension.limit_time.ToDatetime(UTC),
    )


def revocation_from_wire(
    message: types_pb2.Certificate | signing_pb2.VerifyResponse,
) -> Revocation | None:
    """When and why a certificate was revoked; None where it was not."""
    if not message.HasField("revocation"):
        return None
    value = types_pb2.RevocationReason.DESCRIPTOR.values_by_number.get(message.revocation.reason)
    name = value.name.removeprefix("REVOCATION_REASON_") if value else ""
    known = name in RevocationReason.__members__
    return Revocation(
        revoke_time=message.revocation.revoke_time.ToDatetime(UTC),
        reason=RevocationReason(name) if known else RevocationReason.UNSPECIFIED,
    )
