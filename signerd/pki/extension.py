"""The extensions of a certificate, each with its criticality."""

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.alternative_name import alternative_name_of
from signerd.pki.certificate_policy import certificate_policies
from signerd.pki.distinguished_name import read_name, tbs_of
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import PublicKey
from signerd.pki.profile import ExtensionTemplate, KeyUsageBit, Profile

CriticalExtension = tuple[x509.ExtensionType, bool]


def end_entity_extensions(
    profile: Profile,
    subject: SubjectRecord,
    identity: HolderIdentity | None,
    key: PublicKey,
    issuer: IssuerInfo,
) -> list[CriticalExtension]:
    """What an end-entity certificate of the profile holds, in the order that Korean accredited
    certificates have."""
    template = profile.extensions
    authority = key_identifiers(key, issuer.key_identifier)
    if template.authority_cert_issuer:
        authority[0] = (issuer_identifier(issuer), False)
    names = alternative_name_of(subject, identity)
    return [
        *authority,
        *_constraints(template),
        *_policies(template),
        *([] if names is None else [(names, False)]),
        *_locations(template),
    ]


def key_identifiers(key: PublicKey, issuer_key_identifier: bytes) -> list[CriticalExtension]:
    """authorityKeyIdentifier: the issuer's; subjectKeyIdentifier: SHA-1 of the public key
    (RFC 5280, 4.2.1.2, method 1)."""
    return [
        (x509.AuthorityKeyIdentifier(issuer_key_identifier, None, None), False),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
    ]


def key_usage(
    *,
    digital_signature: bool = False,
    non_repudiation: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> CriticalExtension:
    """keyUsage of a signing key; always critical (RFC 5280, 4.2.1.3)."""
    usage = x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=non_repudiation,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
    return usage, True


def issuer_identifier(issuer: IssuerInfo) -> x509.AuthorityKeyIdentifier:
    """The issuer's key, and its certificate by issuer and serial number (RFC 5280, 4.2.1.1)."""
    above = x509.DirectoryName(read_name(tbs_of(issuer.certificate).issuer))
    return x509.AuthorityKeyIdentifier(issuer.key_identifier, [above], issuer.parsed.serial_number)


def _constraints(template: ExtensionTemplate) -> list[CriticalExtension]:
    found = [
        key_usage(
            digital_signature=KeyUsageBit.DIGITAL_SIGNATURE in template.key_usage,
            non_repudiation=KeyUsageBit.NON_REPUDIATION in template.key_usage,
        )
    ]
    if template.basic_constraints:
        found.append((x509.BasicConstraints(ca=False, path_length=None), True))
    if template.extended_key_usage:
        found.append(
            (
                x509.ExtendedKeyUsage(template.extended_key_usage),
                template.extended_key_usage_critical,
            )
        )
    if template.ocsp_no_check:
        found.append((x509.OCSPNoCheck(), False))
    return found


def _policies(template: ExtensionTemplate) -> list[CriticalExtension]:
    if not template.policies:
        return []
    return [(certificate_policies(template.policies), template.policies_critical)]


def _locations(template: ExtensionTemplate) -> list[CriticalExtension]:
    found: list[CriticalExtension] = []
    if template.crl_uris:
        # One point with several names: ways to the same CRL (RFC 5280, 4.2.1.13).
        names = [x509.UniformResourceIdentifier(uri) for uri in template.crl_uris]
        point = x509.DistributionPoint(names, None, None, None)
        found.append((x509.CRLDistributionPoints([point]), False))
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(uri))
        for method, uris in (
            (AuthorityInformationAccessOID.OCSP, template.ocsp_uris),
            (AuthorityInformationAccessOID.CA_ISSUERS, template.ca_issuers_uris),
        )
        for uri in uris
    ]
    if access:
        found.append((x509.AuthorityInformationAccess(access), False))
    return found
