"""Certificate profiles: what a certificate of a kind holds, validated."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cryptography import x509

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.pki.certificate_policy import CertificatePolicy
from signerd.pki.composed_name import NameComposition
from signerd.pki.key import KeyKind, describe_key, kind_of, load_public_key

_IDENTITY: Final = "subject.identity_number"


class Presence(StrEnum):
    """Whether callers give an alternative name."""

    REFUSED = "refused"
    ALLOWED = "allowed"
    REQUIRED = "required"


class KeyUsageBit(StrEnum):
    """Bits of keyUsage (RFC 5280, 4.2.1.3) that signing keys can have."""

    DIGITAL_SIGNATURE = "digitalSignature"
    NON_REPUDIATION = "nonRepudiation"


@dataclass(frozen=True, slots=True)
class ValidityPeriod:
    """How long certificates are valid.

    zone: validity in whole days of this time zone, from the start of the day of issue; None: from
    the moment of issue, back-dated by backdate_s seconds for relying parties whose clock is slow.
    renewal_window_days: so long before their end they can be renewed.
    """

    days: int
    zone: ZoneInfo | None
    backdate_s: int
    renewal_window_days: int = 30


@dataclass(frozen=True, slots=True)
class SubjectTemplate:
    """What precedes the caller's part of the name. Empty country or organisation: the issuer's.

    composition: how the common name is composed; None: it is what the caller gives.
    """

    country: str
    organization: str
    organizational_units: tuple[str, ...]
    composition: NameComposition | None = None


@dataclass(frozen=True, slots=True)
class ExtensionTemplate:
    """Extensions that are the same in every certificate of the profile; empty means absent.

    authority_cert_issuer: authorityKeyIdentifier also names the issuing CA's certificate by its
    issuer and serial number (4.2.1.1).

    keyUsage is always critical (4.2.1.3), the locations never (4.2.1.13, 4.2.2.1). An end
    entity may go without basicConstraints (4.2.1.9), as accredited Korean certificates do; when
    present it is critical, so that no verifier takes the holder for a CA. ocsp_no_check: whoever
    reads an OCSP response need not ask for the signer's own status (RFC 6960, 4.2.2.2.1).
    """

    authority_cert_issuer: bool
    basic_constraints: bool
    key_usage: frozenset[KeyUsageBit]
    extended_key_usage: tuple[x509.ObjectIdentifier, ...]
    extended_key_usage_critical: bool
    ocsp_no_check: bool
    policies: tuple[CertificatePolicy, ...]
    policies_critical: bool
    crl_uris: tuple[str, ...]
    ocsp_uris: tuple[str, ...]
    ca_issuers_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of certificate. algorithms: keys made on the token; csr_keys: keys that requests may
    bring; email, dns: which alternative names callers give; identify_data: whether the holder's
    real name and VID are among them."""

    name: str
    description: str
    validity: ValidityPeriod
    subject: SubjectTemplate
    algorithms: frozenset[KeyAlgorithm]
    csr_keys: frozenset[KeyKind]
    email: Presence
    dns: Presence
    identify_data: bool
    extensions: ExtensionTemplate

    def check_identity(self, *, given: bool) -> None:
        """Raises InvalidRequest (IDENTITY_REQUIRED, IDENTITY_NOT_ALLOWED) unless the holder's
        identity number is given exactly where certificates carry a VID."""
        if self.identify_data and not given:
            raise InvalidRequest(
                f'profile "{self.name}" certifies a virtual ID; give {_IDENTITY}',
                reason="IDENTITY_REQUIRED",
                field=_IDENTITY,
            )
        if given and not self.identify_data:
            raise InvalidRequest(
                f'profile "{self.name}" certifies no virtual ID; leave {_IDENTITY} out',
                reason="IDENTITY_NOT_ALLOWED",
                field=_IDENTITY,
            )

    def check_algorithm(self, algorithm: KeyAlgorithm | None) -> None:
        """Raises InvalidRequest (ALGORITHM_NOT_ALLOWED) unless keys of it are made under this
        profile."""
        if algorithm not in self.algorithms:
            allowed = ", ".join(sorted(self.algorithms)) or "none: send a CSR"
            raise InvalidRequest(
                f'profile "{self.name}" does not make keys of this algorithm; allowed: {allowed}',
                reason="ALGORITHM_NOT_ALLOWED",
                field="key_algorithm",
            )

    def check_csr_key(self, spki: bytes) -> None:
        """Raises InvalidRequest (CSR_NOT_ALLOWED, CSR_KEY_TYPE) unless the profile certifies keys
        of this kind from requests. spki: DER, as ParsedCsr gives it."""
        if not self.csr_keys:
            raise InvalidRequest(
                f'profile "{self.name}" certifies only keys made on the token; '
                "give key_algorithm instead of csr",
                reason="CSR_NOT_ALLOWED",
                field="csr",
            )
        key = load_public_key(spki)
        if kind_of(key) not in self.csr_keys:
            allowed = ", ".join(sorted(self.csr_keys))
            raise InvalidRequest(
                f'profile "{self.name}" does not certify {describe_key(key)} keys; '
                f"allowed: {allowed}",
                reason="CSR_KEY_TYPE",
                field="csr",
            )
