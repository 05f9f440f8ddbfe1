"""Signatures by the daemon's algorithms, checked with the public key of a certificate."""

import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from signerd_client.audit_proof import ProofError

_HASHES: Final[dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
ED25519: Final = "ED25519"
_DIGEST: Final = re.compile(r"(sha256|sha384|sha512):((?:[0-9a-f]{2})+)")


def split_digest(text: str) -> tuple[str, bytes]:
    """Name of the hash and digest out of `sha256:9f86…`. Raises ProofError."""
    found = _DIGEST.fullmatch(text)
    if found is None:
        raise ProofError("the record has no digest of what was signed")
    return found[1], bytes.fromhex(found[2])


def is_signature_over(
    certificate: x509.Certificate, algorithm: str, signature: bytes, data: bytes
) -> bool:
    """Whether a signature of data was made by the key of a certificate."""
    if algorithm == ED25519:
        return _verify(certificate, algorithm, signature, data, None)
    name = _hash_of(algorithm)
    hasher = hashes.Hash(_HASHES[name])
    hasher.update(data)
    return _verify(certificate, algorithm, signature, hasher.finalize(), name)


def is_signature_of(
    certificate: x509.Certificate,
    algorithm: str,
    signature: bytes,
    digest: tuple[str, bytes],
    data: bytes,
) -> bool:
    """The same by the digest; the data are looked at for Ed25519 only, which signs no digests."""
    if algorithm == ED25519:
        return _verify(certificate, algorithm, signature, data, None)
    name, value = digest
    return name == _hash_of(algorithm) and _verify(certificate, algorithm, signature, value, name)


def _hash_of(algorithm: str) -> str:
    name = algorithm.rpartition("_")[2].lower()
    if name not in _HASHES:
        raise ProofError(f"{algorithm!r} is no algorithm that is known here")
    return name


def _verify(
    certificate: x509.Certificate,
    algorithm: str,
    signature: bytes,
    message: bytes,
    hash_name: str | None,
) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, ed25519.Ed25519PublicKey) and hash_name is None:
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey) and hash_name is not None:
            key.verify(signature, message, ec.ECDSA(Prehashed(_HASHES[hash_name])))
        elif isinstance(key, rsa.RSAPublicKey) and hash_name is not None:
            hash_ = _HASHES[hash_name]
            pss = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
            scheme = pss if "_PSS_" in algorithm else padding.PKCS1v15()
            key.verify(signature, message, scheme, Prehashed(hash_))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
