"""Key algorithms and hashes, as the API names them."""

from enum import StrEnum
from typing import Final

from signerd.v1 import types_pb2

_PREFIX: Final = "KEY_ALGORITHM_"


class KeyAlgorithm(StrEnum):
    """How a key signs: type, size, padding and hash, chosen when the key is made.

    PKCS1 is RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2), PSS is RSASSA-PSS (section 8.1).
    """

    RSA_2048_PKCS1_SHA256 = "RSA_2048_PKCS1_SHA256"
    RSA_3072_PKCS1_SHA256 = "RSA_3072_PKCS1_SHA256"
    RSA_4096_PKCS1_SHA256 = "RSA_4096_PKCS1_SHA256"
    RSA_4096_PKCS1_SHA512 = "RSA_4096_PKCS1_SHA512"
    RSA_2048_PSS_SHA256 = "RSA_2048_PSS_SHA256"
    RSA_3072_PSS_SHA256 = "RSA_3072_PSS_SHA256"
    RSA_4096_PSS_SHA256 = "RSA_4096_PSS_SHA256"
    RSA_4096_PSS_SHA512 = "RSA_4096_PSS_SHA512"
    EC_P256_SHA256 = "EC_P256_SHA256"
    EC_P384_SHA384 = "EC_P384_SHA384"
    ED25519 = "ED25519"


class Hash(StrEnum):
    """Hash functions for digests; the value is the name that hashlib knows."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


_HASH_OF_LENGTH: Final = {32: Hash.SHA256, 48: Hash.SHA384, 64: Hash.SHA512}


def hash_of_digest(digest: bytes) -> Hash:
    """The hash that makes digests of this length. Raises ValueError for any other length."""
    try:
        return _HASH_OF_LENGTH[len(digest)]
    except KeyError:
        raise ValueError(
            f"a digest of {len(digest)} bytes is none of SHA-256 (32), SHA-384 (48), SHA-512 (64);"
            " pass the raw digest bytes, not their hexadecimal form"
        ) from None


def algorithm_from_wire(number: int) -> KeyAlgorithm | None:
    """None for unspecified (the key of a CSR) and for an algorithm newer than this client."""
    value = types_pb2.KeyAlgorithm.DESCRIPTOR.values_by_number.get(number)
    name = value.name.removeprefix(_PREFIX) if value else ""
    return KeyAlgorithm(name) if name in KeyAlgorithm.__members__ else None


def algorithm_to_wire(algorithm: KeyAlgorithm | str) -> types_pb2.KeyAlgorithm.ValueType:
    """Raises ValueError for a name that is not an algorithm."""
    if algorithm not in KeyAlgorithm.__members__:
        raise ValueError(
            f"{algorithm!r} is no key algorithm; choose one of {', '.join(KeyAlgorithm)}"
        )
    return types_pb2.KeyAlgorithm.Value(_PREFIX + algorithm)
