"""Signatures, public keys and verdicts as the client gives them to its callers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from signerd.v1 import types_pb2
from signerd_client.algorithm import KeyAlgorithm
from signerd_client.certificate import CertificateState, Revocation, pem_encode


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
class Problem:
    """One reason why a signature does not count: code for programs (UPPER_SNAKE), text for
    people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a signature counts, and if not, every reason why.

    valid: made by this key over this input, and the certificate was in force at verify_time.
    signature_valid: only the former. certificate and its state are as of now; the names are empty,
    the state and the revocation None, where they are unknown or there is none.
    """

    valid: bool
    signature_valid: bool
    problems: tuple[Problem, ...]
    credential: str
    key_algorithm: KeyAlgorithm | None
    certificate: str
    subscriber: str
    certificate_state: CertificateState | None
    revocation: Revocation | None
    verify_time: datetime | None

    @property
    def explanation(self) -> str:
        """All problems in one line; empty when valid."""
        return "; ".join(problem.text for problem in self.problems)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the problems."""
        return tuple(problem.code for problem in self.problems)


def problems_from_wire(
    problems: Iterable[types_pb2.VerificationProblem],
) -> tuple[Problem, ...]:
    """The problems of an answer."""
    return tuple(Problem(one.code, one.text) for one in problems)
