"""Key algorithms: key type, size, padding and hash in one value that belongs to the key."""

from dataclasses import dataclass
from enum import StrEnum


class KeyAlgorithm(StrEnum):
    """Names are those of the API without their prefix."""

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


class SecretAlgorithm(StrEnum):
    """What a secret key is for. AES_256_GCM: NIST SP 800-38D; HMAC_SHA256: RFC 2104."""

    AES_256_GCM = "AES_256_GCM"
    HMAC_SHA256 = "HMAC_SHA256"


class KeyType(StrEnum):
    RSA = "RSA"
    EC = "EC"
    ED25519 = "ED25519"


class Padding(StrEnum):
    PKCS1 = "PKCS1"
    PSS = "PSS"


class Hash(StrEnum):
    """Hash functions; the value is the name that hashlib and OpenSSL know."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def digest_size(self) -> int:
        """Length of a digest in bytes."""
        return _DIGEST_SIZES[self]


_DIGEST_SIZES = {Hash.SHA256: 32, Hash.SHA384: 48, Hash.SHA512: 64}


@dataclass(frozen=True, slots=True)
class AlgorithmSpec:
    """What an algorithm means.

    bits: RSA modulus or curve size. padding: RSA only. hash: None for Ed25519, which signs the
    message itself.
    """

    key_type: KeyType
    bits: int
    padding: Padding | None
    hash: Hash | None


def _rsa(bits: int, padding: Padding, hash_: Hash) -> AlgorithmSpec:
    return AlgorithmSpec(KeyType.RSA, bits, padding, hash_)


SPECS: dict[KeyAlgorithm, AlgorithmSpec] = {
    KeyAlgorithm.RSA_2048_PKCS1_SHA256: _rsa(2048, Padding.PKCS1, Hash.SHA256),
    KeyAlgorithm.RSA_3072_PKCS1_SHA256: _rsa(3072, Padding.PKCS1, Hash.SHA256),
    KeyAlgorithm.RSA_4096_PKCS1_SHA256: _rsa(4096, Padding.PKCS1, Hash.SHA256),
    KeyAlgorithm.RSA_4096_PKCS1_SHA512: _rsa(4096, Padding.PKCS1, Hash.SHA512),
    KeyAlgorithm.RSA_2048_PSS_SHA256: _rsa(2048, Padding.PSS, Hash.SHA256),
    KeyAlgorithm.RSA_3072_PSS_SHA256: _rsa(3072, Padding.PSS, Hash.SHA256),
    KeyAlgorithm.RSA_4096_PSS_SHA256: _rsa(4096, Padding.PSS, Hash.SHA256),
    KeyAlgorithm.RSA_4096_PSS_SHA512: _rsa(4096, Padding.PSS, Hash.SHA512),
    KeyAlgorithm.EC_P256_SHA256: AlgorithmSpec(KeyType.EC, 256, None, Hash.SHA256),
    KeyAlgorithm.EC_P384_SHA384: AlgorithmSpec(KeyType.EC, 384, None, Hash.SHA384),
    KeyAlgorithm.ED25519: AlgorithmSpec(KeyType.ED25519, 256, None, None),
}


def spec_of(algorithm: KeyAlgorithm) -> AlgorithmSpec:
    """The meaning of an algorithm."""
    return SPECS[algorithm]
