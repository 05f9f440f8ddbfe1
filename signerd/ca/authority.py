"""The issuing CA as the use cases see it."""

from dataclasses import dataclass

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.value import KeyRef
from signerd.pki.issuer import IssuerInfo


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the CA's key is, what it certifies with, and the root above it (DER)."""

    key: KeyRef
    algorithm: KeyAlgorithm
    issuer: IssuerInfo
    certificate: bytes
    root_certificate: bytes
