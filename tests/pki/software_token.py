"""A token in software: keys that last for the test run, and signing as PKCS#11 tokens do it."""

from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from signerd.core.algorithm import KeyAlgorithm, KeyType, Padding, spec_of
from signerd.pki.key import spki_of

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def private_key(key_type: KeyType, bits: int, role: str = "subject") -> PrivateKey:
    """A key that lasts for the test run; roles have different keys."""
    del role
    match key_type:
        case KeyType.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=bits)
        case KeyType.EC:
            return ec.generate_private_key(ec.SECP256R1() if bits == 256 else ec.SECP384R1())
        case KeyType.ED25519:
            return ed25519.Ed25519PrivateKey.generate()


def key_for(algorithm: KeyAlgorithm, role: str = "subject") -> PrivateKey:
    """The key of an algorithm in a role."""
    spec = spec_of(algorithm)
    return private_key(spec.key_type, spec.bits, role)


def spki_for(algorithm: KeyAlgorithm, role: str = "subject") -> bytes:
    """Its SubjectPublicKeyInfo."""
    return spki_of(key_for(algorithm, role).public_key())


def sign(algorithm: KeyAlgorithm, message: bytes, role: str = "subject") -> bytes:
    """What a token does: sign a digest, for Ed25519 the data."""
    spec, key = spec_of(algorithm), key_for(algorithm, role)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    assert spec.hash is not None
    hash_ = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[
        spec.hash.value
    ]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(Prehashed(hash_)))
    if spec.padding is Padding.PSS:
        pss = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
        return key.sign(message, pss, Prehashed(hash_))
    return key.sign(message, padding.PKCS1v15(), Prehashed(hash_))
