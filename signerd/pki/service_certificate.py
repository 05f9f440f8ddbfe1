"""Certificates of the daemon's own services: OCSP signer, time-stamping authority, audit signer.

What they hold stands in shipped profiles that no caller can name; see service_profile.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography import x509

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import SubjectRecord
from signerd.pki.assembly import PreparedCertificate
from signerd.pki.certificate import prepare_certificate
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import check_key_algorithm
from signerd.pki.profile import Profile
from signerd.pki.profile_directory import service_profile
from signerd.pki.validity import validity_within

# Under the arc that UUIDs have (ITU-T X.667), so of nobody else.
AUDIT_SIGNING: Final = x509.ObjectIdentifier("2.25.120765528459821570115809768164609232671")
"""The purpose (extendedKeyUsage) of the key that signs audit checkpoints."""


def prepare_ocsp_signer(
    issuer: IssuerInfo,
    algorithm: KeyAlgorithm,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    days: int,
    name: str,
) -> PreparedCertificate:
    """A delegated OCSP signer (RFC 6960, 4.2.2.2): OCSPSigning, id-pkix-ocsp-nocheck.

    issuer signs it, as it must have signed the certificates asked about; algorithm is that of the
    key in spki (DER); days: validity, cut short where the issuer ends earlier, so that the last
    responses can still be signed; name: its common name. Raises InvalidRequest (SUBJECT_INVALID)
    for the name, Internal (LINT_FAILED, KEY_ALGORITHM_MISMATCH).
    """
    return _prepare(
        service_profile("ocsp-signer"),
        issuer,
        algorithm,
        spki=spki,
        serial=serial,
        now_utc=now_utc,
        days=days,
        name=name,
    )


def prepare_time_stamping(
    issuer: IssuerInfo,
    algorithm: KeyAlgorithm,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    days: int,
    name: str,
    crl_uri: str = "",
    issuer_uri: str = "",
) -> PreparedCertificate:
    """A time-stamping authority (RFC 3161, 2.3): timeStamping, critical and alone.

    crl_uri, issuer_uri: where the issuing CA's CRL and certificate are; "" leaves them out. Other
    arguments and errors as for prepare_ocsp_signer.
    """
    shipped = service_profile("time-stamping")
    extensions = replace(
        shipped.extensions,
        crl_uris=(crl_uri,) if crl_uri else (),
        ca_issuers_uris=(issuer_uri,) if issuer_uri else (),
    )
    return _prepare(
        replace(shipped, extensions=extensions),
        issuer,
        algorithm,
        spki=spki,
        serial=serial,
        now_utc=now_utc,
        days=days,
        name=name,
    )


def prepare_audit_signer(
    issuer: IssuerInfo,
    algorithm: KeyAlgorithm,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    name: str,
) -> PreparedCertificate:
    """The signer of audit checkpoints, known by AUDIT_SIGNING; it ends with its issuer.

    Other arguments and errors as for prepare_ocsp_signer.
    """
    return _prepare(
        service_profile("audit-signer"),
        issuer,
        algorithm,
        spki=spki,
        serial=serial,
        now_utc=now_utc,
        days=(issuer.not_after_utc - now_utc).days + 1,
        name=name,
    )


def _prepare(
    shipped: Profile,
    issuer: IssuerInfo,
    algorithm: KeyAlgorithm,
    *,
    spki: bytes,
    serial: int,
    now_utc: datetime,
    days: int,
    name: str,
) -> PreparedCertificate:
    check_key_algorithm(spki, algorithm)
    profile = replace(shipped, validity=replace(shipped.validity, days=days))
    not_before, not_after = validity_within(profile, now_utc, issuer.not_after_utc)
    return prepare_certificate(
        profile,
        issuer,
        SubjectRecord(name),
        spki=spki,
        serial=serial,
        not_before_utc=not_before,
        not_after_utc=not_after,
    )
