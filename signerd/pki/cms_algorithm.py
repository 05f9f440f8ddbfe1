"""Algorithms of CMS in the domain's terms (RFC 3370, 4056, 5754, 8419)."""

from typing import Final

from asn1crypto import algos

from signerd.core.algorithm import Hash, KeyAlgorithm, KeyType, Padding, spec_of

# RFC 8419, 3.1: the message digest of an Ed25519 signature.
_ED25519_DIGEST: Final = Hash.SHA512


def content_hash(algorithm: KeyAlgorithm) -> Hash:
    """The hash of the content under a key of this algorithm."""
    return spec_of(algorithm).hash or _ED25519_DIGEST


def digest_identifier(hash_: Hash) -> algos.DigestAlgorithm:
    """With NULL parameters, as older PKCS#7 modules expect; RFC 5754, 2, accepts both."""
    return algos.DigestAlgorithm({"algorithm": hash_.value})


def signature_identifier(algorithm: KeyAlgorithm) -> algos.SignedDigestAlgorithm:
    """rsaEncryption for PKCS#1 v1.5 (RFC 3370, 3.2), for every reader knows it; RSASSA-PSS with
    its parameters (RFC 4056, 3); ecdsa-with-SHA2 (RFC 5754, 3.3); Ed25519 (RFC 8419, 3.1)."""
    spec = spec_of(algorithm)
    if spec.hash is None:
        return algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
    if spec.key_type is KeyType.EC:
        return algos.SignedDigestAlgorithm({"algorithm": f"{spec.hash.value}_ecdsa"})
    if spec.padding is Padding.PKCS1:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})
    return algos.SignedDigestAlgorithm(
        {"algorithm": "rsassa_pss", "parameters": _pss_parameters(spec.hash)}
    )


def _pss_parameters(hash_: Hash) -> algos.RSASSAPSSParams:
    """MGF1 over the same hash, a salt of its length (RFC 4055, 3.1)."""
    identifier = digest_identifier(hash_)
    return algos.RSASSAPSSParams(
        {
            "hash_algorithm": identifier,
            "mask_gen_algorithm": algos.MaskGenAlgorithm(
                {"algorithm": "mgf1", "parameters": identifier}
            ),
            "salt_length": hash_.digest_size,
        }
    )
