"""Small types for what is named across rooms: no bare string is mistaken for another."""

import re
import uuid
from dataclasses import dataclass
from typing import NewType

from signerd.core.error import InvalidRequest

SubscriberId = NewType("SubscriberId", str)
CredentialId = NewType("CredentialId", str)
CertificateId = NewType("CertificateId", str)
IssuanceId = NewType("IssuanceId", str)
EnrolmentId = NewType("EnrolmentId", str)
InstanceId = NewType("InstanceId", str)
"""One run of one process of the daemon; never used again after it ends."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# uuid.UUID by itself also takes underscores and digits of other scripts.
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_SERIAL_BITS = 159
_CKA_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class TokenRef:
    """A PKCS#11 token, addressed by label and serial, never by slot number."""

    label: str
    serial: str

    def __str__(self) -> str:
        return f"{self.label}/{self.serial}"


@dataclass(frozen=True, slots=True)
class KeyRef:
    """A key on a token: the token and the CKA_ID of the key pair."""

    token: TokenRef
    cka_id: bytes

    def __str__(self) -> str:
        return f"{self.token}/{self.cka_id.hex()}"


def parse_slug(text: str, *, field: str) -> str:
    """Check an identifier chosen by a caller: 1 to 63 of a-z, 0-9 and inner hyphens.

    Raises InvalidRequest naming the field.
    """
    if _SLUG.fullmatch(text) is None:
        raise InvalidRequest(
            f"{field}: use 1 to 63 of a-z, 0-9 and hyphen, not starting or ending with a hyphen",
            field=field,
        )
    return text


def parse_request_id(text: str, *, field: str = "request_id") -> str:
    """Check a request id and return it in canonical form. Raises InvalidRequest."""
    if _UUID.fullmatch(text) is None:
        raise InvalidRequest(
            f"{field}: send a UUID that you choose once per intended change and repeat on a retry",
            field=field,
        )
    return str(uuid.UUID(text))


def certificate_id_of(serial: int) -> CertificateId:
    """The serial number in lower-case hexadecimal names the certificate."""
    text = f"{serial:x}"
    return CertificateId(text if len(text) % 2 == 0 else "0" + text)


def serial_from(random: bytes) -> int:
    """A positive serial number of 159 random bits, at most 20 octets (RFC 5280, 4.1.2.2).

    The top bit of the 159 is set, so that every serial has the same length and none is zero.
    """
    bits = int.from_bytes(random[:20], "big") >> (8 * 20 - _SERIAL_BITS)
    return bits | (1 << (_SERIAL_BITS - 1))


def credential_id_of(cka_id: bytes) -> CredentialId:
    """A credential is named by the CKA_ID of its key in hexadecimal."""
    if len(cka_id) != _CKA_ID_BYTES:
        raise ValueError("CKA_ID must have 16 bytes")
    return CredentialId(cka_id.hex())
