"""Software keys that sign certificates nobody gets, so that they can be linted before the token
signs. Made once per process and kind: making an RSA key takes a tenth of a second."""

from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from signerd.core.algorithm import AlgorithmSpec, KeyType

ThrowawayKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# The signature's AlgorithmIdentifier does not depend on the size of an RSA key.
_RSA_BITS: Final = 2048
_P256_BITS: Final = 256


def throwaway_key(spec: AlgorithmSpec) -> ThrowawayKey:
    """The key of this process for an algorithm. It certifies nothing outside this process."""
    return _key(spec.key_type, _RSA_BITS if spec.key_type is KeyType.RSA else spec.bits)


@cache
def _key(key_type: KeyType, bits: int) -> ThrowawayKey:
    match key_type:
        case KeyType.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=bits)
        case KeyType.EC:
            return ec.generate_private_key(ec.SECP256R1() if bits == _P256_BITS else ec.SECP384R1())
        case KeyType.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
