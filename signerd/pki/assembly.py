"""From TBS bytes to a certificate: the same bytes are linted, signed and put together.

Builders insist on a private key and the real one is on a token, so a throwaway software key signs a
certificate that nobody gets. Its TBS bytes are what the token then signs. CRLs and OCSP responses
go the same way.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.core.algorithm import KeyAlgorithm, spec_of
from signerd.core.error import Internal
from signerd.pki.der import CertificateDer, TbsCertificateDer
from signerd.pki.issuer import IssuerInfo
from signerd.pki.lint.linter import require_lint_clean
from signerd.pki.scheme import hash_algorithm, rsa_padding
from signerd.pki.signature import digest, verify_signature
from signerd.pki.throwaway import throwaway_key

# Stands where lint, which does not look at it, finds a signature.
_NO_SIGNATURE: Final = bytes(1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Something checked that waits for its signature.

    tbs: what is signed, DER. algorithm, signer_spki: of the key that has to sign it.
    """

    tbs: bytes
    algorithm: KeyAlgorithm
    signer_spki: bytes

    @property
    def message(self) -> bytes:
        """What the token signs: the digest of tbs, for Ed25519 tbs itself."""
        return message_to_sign(self.tbs, self.algorithm)


@dataclass(frozen=True, slots=True)
class PreparedCertificate(Prepared):
    """A linted certificate without its signature. tbs: TBSCertificate, DER."""

    def assemble(self, signature: bytes) -> bytes:
        """The certificate (DER), its signature verified. Raises Internal (SIGNATURE_WRONG)."""
        return assemble(self.tbs, self.algorithm, self.signer_spki, signature)


def prepare(
    builder: x509.CertificateBuilder,
    *,
    algorithm: KeyAlgorithm,
    signer_spki: bytes,
    issuer: IssuerInfo | None,
) -> PreparedCertificate:
    """Encode and lint what a builder describes. issuer: None for a self-signed certificate.

    Raises Internal (LINT_FAILED).
    """
    certificate = throwaway_certificate(builder, algorithm)
    require_lint_clean(certificate.public_bytes(Encoding.DER), issuer, algorithm)
    return PreparedCertificate(certificate.tbs_certificate_bytes, algorithm, signer_spki)


def throwaway_certificate(
    builder: x509.CertificateBuilder, algorithm: KeyAlgorithm
) -> x509.Certificate:
    """What a builder describes, signed by the throwaway key of an algorithm."""
    spec = spec_of(algorithm)
    hash_ = None if spec.hash is None else hash_algorithm(spec.hash)
    return builder.sign(throwaway_key(spec), hash_, rsa_padding=rsa_padding(spec))


def prepare_again(tbs: bytes, issuer: IssuerInfo) -> PreparedCertificate:
    """Lint TBS bytes recorded earlier, exactly as they are. Raises Internal (LINT_FAILED)."""
    try:
        certificate = _encode(tbs, _NO_SIGNATURE)
    except ValueError as error:
        raise Internal("the recorded TBSCertificate is not DER", reason="LINT_FAILED") from error
    require_lint_clean(certificate, issuer, issuer.algorithm)
    return PreparedCertificate(tbs, issuer.algorithm, issuer.spki)


def message_to_sign(tbs: bytes, algorithm: KeyAlgorithm) -> bytes:
    """What a token is given: the digest of tbs under the algorithm's hash, for Ed25519 tbs."""
    hash_ = spec_of(algorithm).hash
    return tbs if hash_ is None else digest(hash_, tbs)


def assemble(tbs: bytes, algorithm: KeyAlgorithm, signer_spki: bytes, signature: bytes) -> bytes:
    """The certificate (DER) of TBS bytes and their signature.

    Nothing else checks what a token returns, so the signature is verified with the signer's public
    key, and what was put together is read back. Raises Internal (SIGNATURE_WRONG).
    """
    require_signature(tbs, algorithm, signer_spki, signature, title="certificate")
    certificate = _encode(tbs, signature)
    parsed = x509.load_der_x509_certificate(certificate)
    if parsed.tbs_certificate_bytes != tbs or parsed.signature != signature:
        raise Internal(
            "the assembled certificate does not hold what was signed", reason="SIGNATURE_WRONG"
        )
    return certificate


@cache
def algorithm_identifier(algorithm: KeyAlgorithm) -> asn1.TLV:
    """AlgorithmIdentifier of a signature, as the library's builders write it, for what they do not
    build."""
    spec = spec_of(algorithm)
    hash_ = None if spec.hash is None else hash_algorithm(spec.hash)
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(
        throwaway_key(spec), hash_, rsa_padding=rsa_padding(spec)
    )
    return asn1.decode_der(CertificateDer, request.public_bytes(Encoding.DER)).algorithm


def require_signature(
    tbs: bytes, algorithm: KeyAlgorithm, signer_spki: bytes, signature: bytes, *, title: str
) -> None:
    """Verify what a token returned. title: what was signed, for the log.

    Raises Internal (SIGNATURE_WRONG).
    """
    message = message_to_sign(tbs, algorithm)
    checked = verify_signature(signer_spki, algorithm, message, signature)
    if not checked.is_valid:
        raise Internal(
            f"the {title}'s signature is wrong: {checked.explanation}",
            reason="SIGNATURE_WRONG",
        )


def encode_signed(tbs: bytes, algorithm: asn1.TLV, signature: bytes) -> bytes:
    """A certificate or CRL (DER) of its three parts. algorithm: AlgorithmIdentifier."""
    return asn1.encode_der(
        CertificateDer(
            tbs=asn1.decode_der(asn1.TLV, tbs),
            algorithm=algorithm,
            signature=asn1.BitString(signature, 0),
        )
    )


def _encode(tbs: bytes, signature: bytes) -> bytes:
    return encode_signed(tbs, asn1.decode_der(TbsCertificateDer, tbs).algorithm, signature)
