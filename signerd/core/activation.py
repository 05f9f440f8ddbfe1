"""Activation: the subscriber's agreement to the use of a key, as it is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from signerd.core.evidence import CodeRecord
from signerd.core.value import CredentialId

_NO_CODES: Final = CodeRecord()


class Activation(StrEnum):
    """Whether a key signs without its subscriber's agreement. Names are those of the API without
    their prefix."""

    NONE = "NONE"
    REQUIRED = "REQUIRED"


@dataclass(frozen=True, slots=True)
class ActivationRecord:
    """What a subscriber agrees with to the use of one credential.

    pin_hash: in PHC string form (argon2id); None where none is set. failures: wrong PINs and codes
    in a row, together. code: one-time codes that were sent.
    """

    pin_hash: str | None = field(default=None, repr=False)
    pin_set_utc: datetime | None = None
    failures: int = 0
    code: CodeRecord = _NO_CODES


@dataclass(frozen=True, slots=True)
class SigningAuthorisation:
    """An agreement that was given.

    authorisation_id: 32 hexadecimal digits, no secret. secret_sha256: of what the caller shows.
    principal: who alone may use it. remaining: signatures that it is still good for. digests: what
    alone may be signed, as AuthorisationUse has it; None where anything may be.
    """

    authorisation_id: str
    secret_sha256: bytes = field(repr=False)
    credential: CredentialId
    principal: str
    remaining: int
    digests: frozenset[bytes] | None
    expires_utc: datetime


@dataclass(frozen=True, slots=True)
class AuthorisationUse:
    """Signatures made under an authorisation. digests: of what was signed, by the hash of the key;
    of an Ed25519 message its SHA-256. request_id: of the call; what it signs again after a lost
    answer is not counted again."""

    authorisation_id: str
    request_id: str
    digests: tuple[bytes, ...]
    time_utc: datetime
