"""The CA that certifies: its certificate and how its key signs."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.pki.distinguished_name import read_name, tbs_of
from signerd.pki.key import check_key_algorithm


@dataclass(frozen=True, slots=True)
class IssuerInfo:
    """An issuing CA, read once. certificate: DER; algorithm: of its key.

    Raises Internal (ISSUER_UNUSABLE, KEY_ALGORITHM_MISMATCH) for a certificate that cannot issue:
    unreadable, without subjectKeyIdentifier, or of another kind of key.
    """

    certificate: bytes
    algorithm: KeyAlgorithm
    parsed: x509.Certificate = field(init=False, repr=False, compare=False)
    name: x509.Name = field(init=False, repr=False, compare=False)
    spki: bytes = field(init=False, repr=False, compare=False)
    key_identifier: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parsed = x509.load_der_x509_certificate(self.certificate)
            name = read_name(tbs_of(self.certificate).subject)
            identifier = parsed.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            spki = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, x509.ExtensionNotFound) as error:
            raise Internal(
                "the issuing CA's certificate cannot be read or has no subjectKeyIdentifier",
                reason="ISSUER_UNUSABLE",
            ) from error
        check_key_algorithm(spki, self.algorithm)
        for attribute, value in (
            ("parsed", parsed),
            ("name", name),
            ("spki", spki),
            ("key_identifier", identifier.value.digest),
        ):
            object.__setattr__(self, attribute, value)

    @property
    def not_before_utc(self) -> datetime:
        return self.parsed.not_valid_before_utc

    @property
    def not_after_utc(self) -> datetime:
        return self.parsed.not_valid_after_utc
