"""Certificates of the CA itself: a self-signed root and the issuing CA below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    CertificatePoliciesOID,
    NameOID,
)

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import InvalidRequest
from signerd.pki.assembly import PreparedCertificate, prepare
from signerd.pki.distinguished_name import name_of
from signerd.pki.extension import key_identifiers, key_usage
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import PublicKey, check_key_algorithm
from signerd.pki.name_text import check_text


@dataclass(frozen=True, slots=True)
class AuthorityName:
    """Name of a CA. country: two letters."""

    country: str
    organization: str
    common_name: str

    def name(self) -> x509.Name:
        """C, O, CN. Raises BootError (CONFIG_INVALID): the name comes from the configuration."""
        try:
            check_text(self.organization, field="authority.organization", upper_bound=64)
            check_text(self.common_name, field="authority common name", upper_bound=64)
        except InvalidRequest as error:
            raise BootError(ExitCode.CONFIG_INVALID, error.message) from error
        return name_of(
            (
                (NameOID.COUNTRY_NAME, self.country),
                (NameOID.ORGANIZATION_NAME, self.organization),
                (NameOID.COMMON_NAME, self.common_name),
            )
        )


def authority_validity(now_utc: datetime, years: int) -> tuple[datetime, datetime]:
    """notBefore and notAfter (UTC) of a CA made now.

    It begins at the midnight before last: certificates in whole days of some time zone begin up to
    a day before they are issued, and none may begin before its issuer.
    """
    midnight = now_utc.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=1)
    try:
        end = start.replace(year=start.year + years)
    except ValueError:  # 29 February
        end = start.replace(year=start.year + years, month=3, day=1)
    return start, end - timedelta(seconds=1)


def prepare_root(
    name: AuthorityName,
    algorithm: KeyAlgorithm,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    years: int,
) -> PreparedCertificate:
    """A root for the key in spki (DER), which has to sign it itself. One CA fits below it.

    Raises BootError (CONFIG_INVALID), Internal (LINT_FAILED, KEY_ALGORITHM_MISMATCH).
    """
    key = check_key_algorithm(spki, algorithm)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key).digest
    builder = _builder(name.name(), name.name(), key, serial, authority_validity(now_utc, years))
    for extension, critical in _extensions(key, identifier, path_length=1):
        builder = builder.add_extension(extension, critical)
    return prepare(builder, algorithm=algorithm, signer_spki=spki, issuer=None)


def prepare_issuing(
    name: AuthorityName,
    algorithm: KeyAlgorithm,
    root: IssuerInfo,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    years: int,
    crl_uri: str = "",
    root_uri: str = "",
) -> PreparedCertificate:
    """An issuing CA for the key in spki (DER); the root's key has to sign it. No CA fits below.

    It may issue under any policy (anyPolicy, RFC 5280, 4.2.1.4): the profiles decide. crl_uri,
    root_uri: where relying parties find the root's CRL and certificate; empty: it names none.
    Raises BootError (CONFIG_INVALID) when it would outlive the root, Internal (LINT_FAILED,
    KEY_ALGORITHM_MISMATCH).
    """
    key = check_key_algorithm(spki, algorithm)
    validity = authority_validity(now_utc, years)
    if validity[1] > root.not_after_utc:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"authority.issuing_years: {years} years end after the root "
            f"({root.not_after_utc:%Y-%m-%d}); give fewer",
        )
    policy = x509.PolicyInformation(CertificatePoliciesOID.ANY_POLICY, None)
    builder = _builder(name.name(), root.name, key, serial, validity).add_extension(
        x509.CertificatePolicies([policy]), critical=False
    )
    for extension, critical in _extensions(key, root.key_identifier, path_length=0):
        builder = builder.add_extension(extension, critical)
    for location in _locations(crl_uri, root_uri):
        builder = builder.add_extension(location, critical=False)
    return prepare(builder, algorithm=root.algorithm, signer_spki=root.spki, issuer=root)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    serial: int,
    validity: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    not_before, not_after = validity
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=serial,
        not_valid_before=not_before,
        not_valid_after=not_after,
    )


def _extensions(
    key: PublicKey, issuer_key_identifier: bytes, *, path_length: int
) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        *key_identifiers(key, issuer_key_identifier),
        key_usage(key_cert_sign=True, crl_sign=True),
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
    ]


def _locations(crl_uri: str, root_uri: str) -> Iterator[x509.ExtensionType]:
    if crl_uri:
        names = [x509.UniformResourceIdentifier(crl_uri)]
        yield x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])
    if root_uri:
        place = x509.UniformResourceIdentifier(root_uri)
        way = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        yield x509.AuthorityInformationAccess([way])
