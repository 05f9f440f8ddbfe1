"""The algorithm is the same inside and outside, and it is the issuer's."""

from typing import Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import SignatureAlgorithmOID

from signerd.core.algorithm import AlgorithmSpec, KeyType, Padding, spec_of
from signerd.pki.lint.rule import Rule, Specimen
from signerd.pki.scheme import hash_algorithm

_PKCS1: Final = {
    "sha256": SignatureAlgorithmOID.RSA_WITH_SHA256,
    "sha384": SignatureAlgorithmOID.RSA_WITH_SHA384,
    "sha512": SignatureAlgorithmOID.RSA_WITH_SHA512,
}
_ECDSA: Final = {
    "sha256": SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    "sha384": SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    "sha512": SignatureAlgorithmOID.ECDSA_WITH_SHA512,
}


def _judge(specimen: Specimen) -> str | None:
    outer = asn1.encode_der(specimen.outer.algorithm)
    if outer != asn1.encode_der(specimen.tbs.algorithm):
        return "signatureAlgorithm differs from tbsCertificate.signature"
    spec = spec_of(specimen.algorithm)
    oid = specimen.certificate.signature_algorithm_oid
    if oid != _expected_oid(spec):
        return f"{oid.dotted_string} is not the algorithm {specimen.algorithm.value}"
    if spec.padding is Padding.PSS and not _fits_pss(specimen, spec):
        return "the RSASSA-PSS parameters are not hash, MGF1 over it, salt as long as it"
    return None


def _expected_oid(spec: AlgorithmSpec) -> object:
    if spec.hash is None:
        return SignatureAlgorithmOID.ED25519
    if spec.key_type is KeyType.EC:
        return _ECDSA[spec.hash.value]
    if spec.padding is Padding.PSS:
        return SignatureAlgorithmOID.RSASSA_PSS
    return _PKCS1[spec.hash.value]


def _fits_pss(specimen: Specimen, spec: AlgorithmSpec) -> bool:
    parameters = specimen.certificate.signature_algorithm_parameters
    hash_ = specimen.certificate.signature_hash_algorithm
    if not isinstance(parameters, padding.PSS) or spec.hash is None or hash_ is None:
        return False
    expected = hash_algorithm(spec.hash)
    mgf = parameters.mgf
    return (
        hash_.name == expected.name
        and isinstance(mgf, padding.MGF1)
        and mgf._algorithm.name == expected.name  # noqa: SLF001 - MGF1 has no public accessor
        and parameters._salt_length == expected.digest_size  # noqa: SLF001 - nor has PSS
    )


RULE: Final = Rule("signature-algorithm", "RFC 5280, 4.1.1.2; RFC 4055, 3.1", _judge)
