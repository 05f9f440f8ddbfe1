"""Certificates counted and followed, as the client gives them to its callers. Times are UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

from signerd.v1 import certificate_authority_pb2 as wire
from signerd_client.certificate import (
    Certificate,
    CertificateState,
    certificate_from_wire,
    state_from_wire,
)


@dataclass(frozen=True, slots=True)
class CertificateCount:
    """How many certificates have these in common.

    branch is empty where none was given. expire_month is of not_after_time in UTC, as "2026-11".
    """

    state: CertificateState
    profile: str
    branch: str
    expire_month: str
    count: int


@dataclass(frozen=True, slots=True)
class CertificateChange:
    """What happened to a certificate, such as "certificate.revoked", and how it stands now.

    position grows with every change and has gaps; a watch can be begun after it.
    """

    position: int
    event_time: datetime
    kind: str
    certificate: Certificate


def count_from_wire(message: wire.CertificateCount) -> CertificateCount:
    """The value of a message."""
    return CertificateCount(
        state=state_from_wire(message.state),
        profile=message.profile,
        branch=message.branch,
        expire_month=message.expire_month,
        count=message.count,
    )


def change_from_wire(message: wire.WatchCertificatesResponse) -> CertificateChange:
    """The value of a message."""
    return CertificateChange(
        position=message.position,
        event_time=message.event_time.ToDatetime(UTC),
        kind=message.kind,
        certificate=certificate_from_wire(message.certificate),
    )
