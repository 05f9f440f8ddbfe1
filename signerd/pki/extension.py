"""The extensions of a certificate, each with its criticality."""

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from signerd.core.record import SubjectRecord
from signerd.pki.alternative_name import alternative_name_of
from signerd.pki.key import PublicKey
from signerd.pki.profile import ExtensionTemplate, KeyUsageBit, Profile

CriticalExtension = tuple[x509.ExtensionType, bool]


def end_entity_extensions(
    profile: Profile, subject: SubjectRecord, key: PublicKey, issuer_key_identifier: bytes
) -> list[CriticalExtension]:
    """What an end-entity certificate of the profile holds, in the order it is written."""
    template = profile.extensions
    found = [
        *key_identifiers(key, issuer_key_identifier),
        *_constraints(template),
        *_policies(template),
        *_locations(template),
    ]
    names = alternative_name_of(subject)
    return found if names is None else [*found, (names, False)]


def key_identifiers(key: PublicKey, issuer_key_identifier: bytes) -> list[CriticalExtension]:
    """subjectKeyIdentifier: SHA-1 of the public key (RFC 5280, 4.2.1.2, method 1);
    authorityKeyIdentifier: the issuer's."""
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
    policies = [
        x509.PolicyInformation(policy.oid, [policy.cps_uri] if policy.cps_uri else None)
        for policy in template.policies
    ]
    return [(x509.CertificatePolicies(policies), template.policies_critical)]


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
