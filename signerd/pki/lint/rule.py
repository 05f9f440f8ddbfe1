"""What a rule is, and what it judges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

from signerd.core.algorithm import KeyAlgorithm
from signerd.pki.der import CertificateDer, TbsCertificateDer
from signerd.pki.distinguished_name import tbs_of
from signerd.pki.issuer import IssuerInfo

# RFC 5280, 4.1.2.1: v3(2).
_VERSION_3: Final = 2
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Specimen:
    """A certificate under judgement, parsed and as structure.

    issuer: None when it is self-signed. algorithm: of the key that is to sign it.
    """

    certificate: x509.Certificate
    outer: CertificateDer
    tbs: TbsCertificateDer
    issuer: IssuerInfo | None
    algorithm: KeyAlgorithm

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints says so."""
        constraints = self.extension(x509.BasicConstraints)
        return constraints is not None and constraints.value.ca

    def extension(self, kind: type[_Extension]) -> x509.Extension[_Extension] | None:
        """The extension of a kind, None when absent."""
        try:
            return self.certificate.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule. clause: what demands it; problem: what is wrong, for the log."""

    rule: str
    clause: str
    problem: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand. judge: the problem with a specimen, None when it keeps the rule."""

    name: str
    clause: str
    judge: Callable[[Specimen], str | None]

    def check(self, specimen: Specimen) -> Finding | None:
        """The finding, None when the specimen keeps the rule."""
        problem = self.judge(specimen)
        return None if problem is None else Finding(self.name, self.clause, problem)


def load_specimen(
    certificate_der: bytes, issuer: IssuerInfo | None, algorithm: KeyAlgorithm
) -> Specimen:
    """Read a certificate. Raises ValueError when it is not a version 3 certificate in DER."""
    tbs = tbs_of(certificate_der)
    if tbs.version != _VERSION_3:
        raise ValueError("the version is not 3")
    return Specimen(
        certificate=x509.load_der_x509_certificate(certificate_der),
        outer=asn1.decode_der(CertificateDer, certificate_der),
        tbs=tbs,
        issuer=issuer,
        algorithm=algorithm,
    )
