"""Signed documents and verdicts on them as the client gives them to its callers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signerd_client.algorithm import KeyAlgorithm
from signerd_client.certificate import pem_encode
from signerd_client.signature import Problem


class CmsForm(StrEnum):
    """CMS is SignedData with signed attributes (RFC 5652). PKCS7 is the plain form without them,
    over the content itself (RFC 2315)."""

    CMS = "CMS"
    PKCS7 = "PKCS7"


class SigningTimeBasis(StrEnum):
    """How it is known when a signature was made: from a time stamp that verifies, from the signer
    alone, or not at all, so that the certificate is judged by its state now."""

    TIME_STAMP = "TIME_STAMP"
    CLAIMED = "CLAIMED"
    NOW = "NOW"


@dataclass(frozen=True, slots=True)
class CmsSigner:
    """One signature that was made. time_stamp_time: genTime of its time stamp."""

    credential: str
    key_algorithm: KeyAlgorithm | None
    certificate: str
    time_stamp_time: datetime | None


@dataclass(frozen=True, slots=True)
class SignedCms:
    """cms: ContentInfo with SignedData, DER. signers: those that were added."""

    cms: bytes
    signers: tuple[CmsSigner, ...]

    @property
    def pem(self) -> str:
        """PEM (RFC 7468, section 9)."""
        return pem_encode("CMS", self.cms)


@dataclass(frozen=True, slots=True)
class TimeStampVerification:
    """A time stamp and whether it verifies. time: genTime; accuracy_us: how far it may be off, in
    microseconds, 0 when it does not say; serial_number: hexadecimal; authority: subject of its
    certificate (RFC 4514)."""

    valid: bool
    problems: tuple[Problem, ...]
    time: datetime | None
    accuracy_us: int
    policy: str
    serial_number: str
    authority: str


@dataclass(frozen=True, slots=True)
class CmsSignerVerification:
    """What is to be said of one signer.

    signature_intact: the signature is the key's over this content, whatever the certificate is
    worth. certificate: resource name where it is the daemon's own. certificate_der: empty when the
    message has none. signing_time: as the signer claims. judged_time, judged_basis: for when the
    certificate was judged, and how that is known.
    """

    valid: bool
    problems: tuple[Problem, ...]
    signature_intact: bool
    certificate: str
    certificate_der: bytes
    subject: str
    signing_time: datetime | None
    judged_time: datetime | None
    judged_basis: SigningTimeBasis | None
    time_stamp: TimeStampVerification | None
    algorithm: str


@dataclass(frozen=True, slots=True)
class CmsVerification:
    """valid: there is a signer and each is valid. problems: of the message as a whole. data: the
    content of an attached signature."""

    valid: bool
    problems: tuple[Problem, ...]
    signers: tuple[CmsSignerVerification, ...]
    data: bytes
