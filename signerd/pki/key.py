"""Public keys: reading SubjectPublicKeyInfo and judging type, size and encoding."""

from enum import StrEnum
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from signerd.core.algorithm import SPECS, KeyAlgorithm, KeyType, spec_of
from signerd.core.error import Internal

_ED25519_BITS: Final = 256
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384"}

MIN_RSA_BITS: Final = 2048
# Beyond this, verifying costs relying parties more than the key adds.
MAX_RSA_BITS: Final = 8192
# FIPS 186-5, A.1.1: odd, above 2^16, below 2^256.
MIN_RSA_EXPONENT: Final = 65537
MAX_RSA_EXPONENT: Final = 2**256

# Ordinates of the points of small order on edwards25519, non-canonical encodings included: whoever
# has such a key signs nothing that others could not sign.
_ED25519_PRIME: Final = 2**255 - 19
_ED25519_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_ED25519_SMALL_ORDER: Final = frozenset(
    {
        *(0, 1, _ED25519_PRIME - 1, _ED25519_PRIME, _ED25519_PRIME + 1),
        *(_ED25519_ORDER_8, _ED25519_PRIME - _ED25519_ORDER_8),
    }
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class KeyKind(StrEnum):
    """Kinds of public key that are certified."""

    RSA = "RSA"
    EC_P256 = "EC_P256"
    EC_P384 = "EC_P384"
    ED25519 = "ED25519"


class UnusableKeyError(ValueError):
    """A public key that is not certified. is_weak: the right type, but too weak."""

    def __init__(self, message: str, *, is_weak: bool) -> None:
        super().__init__(message)
        self.is_weak = is_weak


def load_public_key(spki: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo (DER).

    Raises UnusableKeyError for other types and curves, weak keys, and encodings other than the
    usual one (named curve, uncompressed point, rsaEncryption): the certificate would carry
    different bytes than were given.
    """
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableKeyError("the public key cannot be read", is_weak=False) from error
    usable = require_usable(key)
    if spki_of(usable) != spki:
        raise UnusableKeyError(
            "the public key is not in its usual encoding (rsaEncryption with NULL parameters, "
            "named curve with uncompressed point)",
            is_weak=False,
        )
    return usable


def require_usable(key: object) -> PublicKey:
    """The key itself. Raises UnusableKeyError for other types and curves and for weak keys."""
    if isinstance(key, rsa.RSAPublicKey):
        _require_strong_rsa(key)
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        _require_large_order(key)
        return key
    raise UnusableKeyError(
        "the key is none of RSA, ECDSA P-256, ECDSA P-384 and Ed25519", is_weak=False
    )


def kind_of(key: PublicKey) -> KeyKind:
    """What a profile names in its list of request keys."""
    match key:
        case rsa.RSAPublicKey():
            return KeyKind.RSA
        case ec.EllipticCurvePublicKey():
            return KeyKind.EC_P256 if key.curve.key_size == 256 else KeyKind.EC_P384  # noqa: PLR2004 - P-256 has 256 bits
        case _:
            return KeyKind.ED25519


def describe_key(key: PublicKey) -> str:
    """For people: "RSA 2048", "EC P-256", "Ed25519"."""
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {_CURVES[key.curve.name]}"
        case _:
            return "Ed25519"


def spki_of(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_key_algorithm(spki: bytes, algorithm: KeyAlgorithm) -> PublicKey:
    """The key, if it really has the type and size of the algorithm, as a token claims.

    Raises Internal (KEY_ALGORITHM_MISMATCH).
    """
    spec = spec_of(algorithm)
    try:
        key = load_public_key(spki)
    except UnusableKeyError as error:
        raise _mismatch(f"expected a {algorithm.value} key: {error}") from error
    if _type_and_bits(key) != (spec.key_type, spec.bits):
        raise _mismatch(f"expected a {algorithm.value} key, found {describe_key(key)}")
    return key


def algorithms_of(spki: bytes) -> tuple[KeyAlgorithm, ...]:
    """The algorithms with which a key (SubjectPublicKeyInfo, DER) can sign: several for RSA, where
    padding and hash are not the key's; none for a key that is not used here."""
    try:
        found = _type_and_bits(load_public_key(spki))
    except UnusableKeyError:
        return ()
    return tuple(one for one, spec in SPECS.items() if (spec.key_type, spec.bits) == found)


def _type_and_bits(key: PublicKey) -> tuple[KeyType, int]:
    match key:
        case rsa.RSAPublicKey():
            return KeyType.RSA, key.key_size
        case ec.EllipticCurvePublicKey():
            return KeyType.EC, key.curve.key_size
        case _:
            return KeyType.ED25519, _ED25519_BITS


def _require_large_order(key: ed25519.Ed25519PublicKey) -> None:
    # The highest bit is the sign of the other coordinate (RFC 8032, 5.1.2).
    ordinate = int.from_bytes(key.public_bytes_raw(), "little") % 2**255
    if ordinate in _ED25519_SMALL_ORDER:
        raise UnusableKeyError("the Ed25519 key has a small order; make a new one", is_weak=True)


def _require_strong_rsa(key: rsa.RSAPublicKey) -> None:
    if key.key_size < MIN_RSA_BITS:
        raise UnusableKeyError(
            f"the RSA key has {key.key_size} bits; make one of {MIN_RSA_BITS} or more",
            is_weak=True,
        )
    if key.key_size > MAX_RSA_BITS:
        raise UnusableKeyError(
            f"the RSA key has {key.key_size} bits; the most is {MAX_RSA_BITS}", is_weak=False
        )
    exponent = key.public_numbers().e
    if exponent % 2 == 0 or not MIN_RSA_EXPONENT <= exponent < MAX_RSA_EXPONENT:
        raise UnusableKeyError(
            "the RSA public exponent must be odd, at least 65537 and below 2^256", is_weak=True
        )


def _mismatch(message: str) -> Internal:
    return Internal(message, reason="KEY_ALGORITHM_MISMATCH")
