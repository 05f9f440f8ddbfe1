"""Digests, and whether a signature was made by a key."""

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from signerd.core.algorithm import AlgorithmSpec, Hash, KeyAlgorithm, spec_of
from signerd.core.error import InvalidRequest
from signerd.pki.key import check_key_algorithm
from signerd.pki.scheme import hash_algorithm, rsa_padding

_ED25519_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """The outcome of a check. explanation: why it is not valid, for people; empty when it is."""

    is_valid: bool
    explanation: str


_VALID: Final = SignatureCheck(is_valid=True, explanation="")


def digest(hash_: Hash, data: bytes) -> bytes:
    """The digest of data, hash_.digest_size bytes."""
    return hashlib.new(hash_.value, data, usedforsecurity=True).digest()


def verify_signature(
    spki: bytes, algorithm: KeyAlgorithm, message: bytes, signature: bytes
) -> SignatureCheck:
    """Check a signature of the key in spki (DER).

    message is what a token signs: the digest, for Ed25519 the data itself. Strict: PSS salt of
    exactly the hash's length (RFC 8017, 9.1.2), ECDSA in DER with both numbers in range
    (RFC 3279, 2.2.3), RSA as long as the modulus (RFC 8017, 8.2.2). Raises InvalidRequest
    (DIGEST_LENGTH) and Internal (KEY_ALGORITHM_MISMATCH).
    """
    spec = spec_of(algorithm)
    key = check_key_algorithm(spki, algorithm)
    if spec.hash is not None and len(message) != spec.hash.digest_size:
        raise InvalidRequest(
            f"a {spec.hash.value} digest has {spec.hash.digest_size} bytes, "
            f"this one has {len(message)}",
            reason="DIGEST_LENGTH",
            field="digest",
        )
    match key:
        case rsa.RSAPublicKey():
            return _verify_rsa(key, spec, message, signature)
        case ec.EllipticCurvePublicKey():
            return _verify_ecdsa(key, spec, message, signature)
        case _:
            return _verify_ed25519(key, message, signature)


def _verify_rsa(
    key: rsa.RSAPublicKey, spec: AlgorithmSpec, digest_: bytes, signature: bytes
) -> SignatureCheck:
    wanted = key.key_size // 8
    if len(signature) != wanted:
        return _not(f"an RSA {key.key_size} signature has {wanted} bytes, not {len(signature)}")
    padding, hash_ = rsa_padding(spec), spec.hash
    if padding is None or hash_ is None:
        raise ValueError("an RSA algorithm has padding and hash")
    try:
        key.verify(signature, digest_, padding, Prehashed(hash_algorithm(hash_)))
    except InvalidSignature:
        return _not("the signature was not made by this key over this input")
    return _VALID


def _verify_ecdsa(
    key: ec.EllipticCurvePublicKey, spec: AlgorithmSpec, digest_: bytes, signature: bytes
) -> SignatureCheck:
    try:
        r, s = decode_dss_signature(signature)
        is_der = encode_dss_signature(r, s) == signature
    except (ValueError, OverflowError):
        is_der = False
    if not is_der:
        return _not("an ECDSA signature is a DER SEQUENCE of two INTEGERs; this is not")
    order = key.curve.group_order
    if not (0 < r < order and 0 < s < order):
        return _not("a number of the ECDSA signature is outside the group's range")
    if spec.hash is None:
        raise ValueError("an ECDSA algorithm has a hash")
    try:
        key.verify(signature, digest_, ec.ECDSA(Prehashed(hash_algorithm(spec.hash))))
    except InvalidSignature:
        return _not("the signature was not made by this key over this input")
    return _VALID


def _verify_ed25519(key: ed25519.Ed25519PublicKey, data: bytes, signature: bytes) -> SignatureCheck:
    if len(signature) != _ED25519_SIGNATURE_BYTES:
        return _not(f"an Ed25519 signature has 64 bytes, not {len(signature)}")
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return _not("the signature was not made by this key over this input")
    return _VALID


def _not(explanation: str) -> SignatureCheck:
    return SignatureCheck(is_valid=False, explanation=explanation)
