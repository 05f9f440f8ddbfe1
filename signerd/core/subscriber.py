"""Subscribers: persons and businesses that certificates are for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signerd.core.evidence import DocumentKind
from signerd.core.record import HolderIdentity
from signerd.core.value import SubscriberId


class LookupKind(StrEnum):
    """By what a subscriber is found."""

    ACCOUNT = "account"
    PHONE = "phone"
    EMAIL = "email"
    DOCUMENT_NUMBER = "document_number"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is registered of a subscriber beyond what certificates show.

    document_number: empty where it is an identity number, which is not kept. phone: in E.164 form.
    language: of messages, as ISO 639-1; empty for the configured one.
    """

    document_kind: DocumentKind
    document_number: str = field(repr=False)
    account: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A keyed hash by which a subscriber is found."""

    kind: LookupKind
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A subscriber as stored.

    registered_utc: None for one that came into being with a certificate. erased_utc: when its
    personal data was erased. sealed: the personal data, encrypted under a key on the token; None
    where there is none. identity: for certificates with a VID.
    """

    subscriber: SubscriberId
    real_name: str = field(default="", repr=False)
    branch: str = ""
    sealed: bytes | None = field(default=None, repr=False)
    identity: HolderIdentity | None = None
    registered_utc: datetime | None = None
    erased_utc: datetime | None = None
    has_password: bool = False
    has_biometric_key: bool = False
