"""Signature schemes of the domain's algorithms in the library's terms."""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from signerd.core.algorithm import AlgorithmSpec, Hash, Padding

_HASHES: Final[dict[Hash, hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    Hash.SHA256: hashes.SHA256(),
    Hash.SHA384: hashes.SHA384(),
    Hash.SHA512: hashes.SHA512(),
}


def hash_algorithm(hash_: Hash) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The library's name of a hash."""
    return _HASHES[hash_]


def rsa_padding(spec: AlgorithmSpec) -> padding.PKCS1v15 | padding.PSS | None:
    """The padding of an RSA algorithm, None for others.

    PSS uses MGF1 over the same hash and a salt of exactly its length (RFC 4055, 3.1).
    """
    if spec.padding is None or spec.hash is None:
        return None
    if spec.padding is Padding.PKCS1:
        return padding.PKCS1v15()
    hash_ = hash_algorithm(spec.hash)
    return padding.PSS(padding.MGF1(hash_), hash_.digest_size)
