"""Subscribers as the client gives them to its callers. Times are UTC."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from signerd.v1 import certificate_authority_pb2 as authority_wire
from signerd.v1 import enrolment_pb2 as wire
from signerd_client.certificate import CertificateState, state_from_wire

_PREFIX = "DOCUMENT_KIND_"


class DocumentKind(StrEnum):
    """What an identity document is; UNKNOWN is for one that is newer than this client."""

    RESIDENT_CARD = "RESIDENT_CARD"
    DRIVERS_LICENCE = "DRIVERS_LICENCE"
    ALIEN_CARD = "ALIEN_CARD"
    PASSPORT = "PASSPORT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Personal data of a subscriber: as it is sent, or masked as it is answered.

    document_number: as printed. account: digits and hyphens. phone: in international form, such as
    +821012345678. language: of messages, "ko" or "en"; empty for the daemon's default.
    """

    document_kind: DocumentKind
    document_number: str = field(repr=False)
    account: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber. masked: personal data, enough to recognise; None where there is none.

    register_time: None for one that came into being with a certificate. erase_time: when personal
    data was erased. has_virtual_id: whether its certificates can have a virtual ID.
    """

    name: str
    real_name: str
    branch: str
    masked: PersonalData | None
    register_time: datetime | None
    erase_time: datetime | None
    has_password: bool
    has_biometric_key: bool
    has_virtual_id: bool


@dataclass(frozen=True, slots=True)
class IdentityVerification:
    """matches: whether the number is the holder's. state: of the certificate at that moment; who
    relies on the holder's identity must look at it too."""

    matches: bool
    state: CertificateState


def subscriber_from_wire(message: wire.Subscriber) -> Subscriber:
    """The value of a message."""
    return Subscriber(
        name=message.name,
        real_name=message.real_name,
        branch=message.branch,
        masked=_masked(message.masked) if message.HasField("masked") else None,
        register_time=message.register_time.ToDatetime(UTC)
        if message.HasField("register_time")
        else None,
        erase_time=message.erase_time.ToDatetime(UTC) if message.HasField("erase_time") else None,
        has_password=message.has_password,
        has_biometric_key=message.has_biometric_key,
        has_virtual_id=message.has_virtual_id,
    )


def verification_from_wire(
    message: authority_wire.VerifyIdentityResponse,
) -> IdentityVerification:
    """The value of a message."""
    return IdentityVerification(message.matches, state_from_wire(message.state))


def document_kind_to_wire(kind: DocumentKind | str) -> wire.DocumentKind.ValueType:
    """Raises ValueError for a name that is no kind."""
    return wire.DocumentKind.Value(_PREFIX + DocumentKind(kind))


def _masked(message: wire.PersonalData) -> PersonalData:
    value = wire.DocumentKind.DESCRIPTOR.values_by_number.get(message.document_kind)
    name = value.name.removeprefix(_PREFIX) if value else ""
    known = name in DocumentKind.__members__
    return PersonalData(
        document_kind=DocumentKind(name) if known else DocumentKind.UNKNOWN,
        document_number=message.document_number,
        account=message.account,
        phone=message.phone,
        email=message.email,
        language=message.language,
    )
