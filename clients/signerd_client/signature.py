"""Signatures, public keys and verdicts as the client gives them to its callers."""

from dataclasses import dataclass

from signerd_client.algorithm import KeyAlgorithm
from signerd_client.certificate import pem_encode


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and exactly what made it.

    signature: PKCS#1 octets for RSA, DER Ecdsa-Sig-Value for ECDSA (RFC 3279, section 2.2.3),
    64 octets for Ed25519. credential and certificate are resource names.
    """

    signature: bytes
    credential: str
    key_algorithm: KeyAlgorithm | None
    certificate: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public key of a credential.

    public_key: SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), DER.
    """

    credential: str
    key_algorithm: KeyAlgorithm | None
    public_key: bytes
    certificate: str

    @property
    def pem(self) -> str:
        """The key, PEM (RFC 7468, section 13)."""
        return pem_encode("PUBLIC KEY", self.public_key)


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a signature is the key's over the input; explanation says why not, for people.

    It does not say whether the certificate is still valid.
    """

    valid: bool
    explanation: str
    credential: str
    key_algorithm: KeyAlgorithm | None
