"""End-entity certificates. Preparing and signing are two things: what is prepared here was linted,
and what is assembled here was verified; the signature between them is made elsewhere.
"""

from dataclasses import replace
from datetime import datetime

from cryptography import x509

from signerd.core.error import Internal
from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.assembly import (
    PreparedCertificate,
    assemble,
    message_to_sign,
    prepare,
    prepare_again,
)
from signerd.pki.extension import end_entity_extensions
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import UnusableKeyError, load_public_key, require_usable, spki_of
from signerd.pki.name import check_subject, subject_name
from signerd.pki.profile import Profile

__all__ = [
    "IssuerInfo",
    "PreparedCertificate",
    "assemble_certificate",
    "lint_tbs",
    "message_to_sign",
    "prepare_certificate",
    "public_key_of",
]


def prepare_certificate(
    profile: Profile,
    issuer: IssuerInfo,
    subject: SubjectRecord,
    *,
    spki: bytes,
    serial: int,
    not_before_utc: datetime,
    not_after_utc: datetime,
    identity: HolderIdentity | None = None,
    running_number: int | None = None,
) -> PreparedCertificate:
    """Encode and lint a certificate for the key in spki (DER).

    identity: for profiles that certify a VID; running_number: for those that compose the common
    name, never used before. Raises InvalidRequest for a subject or identity that this profile does
    not take, Internal (LINT_FAILED, KEY_UNUSABLE, RUNNING_NUMBER_MISSING, RUNNING_NUMBER_TOO_LONG).
    """
    builder = describe_certificate(
        profile,
        issuer,
        subject,
        spki=spki,
        serial=serial,
        not_before_utc=not_before_utc,
        not_after_utc=not_after_utc,
        identity=identity,
        running_number=running_number,
    )
    return prepare(builder, algorithm=issuer.algorithm, signer_spki=issuer.spki, issuer=issuer)


def describe_certificate(
    profile: Profile,
    issuer: IssuerInfo,
    subject: SubjectRecord,
    *,
    spki: bytes,
    serial: int,
    not_before_utc: datetime,
    not_after_utc: datetime,
    identity: HolderIdentity | None,
    running_number: int | None,
) -> x509.CertificateBuilder:
    """What prepare_certificate encodes and lints. Raises the same except LINT_FAILED."""
    check_subject(profile, subject)
    profile.check_identity(given=identity is not None)
    try:
        key = load_public_key(spki)
    except UnusableKeyError as error:
        raise Internal(f"the key cannot be certified: {error}", reason="KEY_UNUSABLE") from error
    builder = x509.CertificateBuilder(
        issuer_name=issuer.name,
        subject_name=subject_name(
            profile, _named(profile, subject, not_before_utc, running_number), issuer.name
        ),
        public_key=key,
        serial_number=serial,
        not_valid_before=not_before_utc,
        not_valid_after=not_after_utc,
    )
    for extension, critical in end_entity_extensions(profile, subject, identity, key, issuer):
        builder = builder.add_extension(extension, critical)
    return builder


def _named(
    profile: Profile, subject: SubjectRecord, issued_utc: datetime, running_number: int | None
) -> SubjectRecord:
    """The subject with the common name that is certified."""
    composition = profile.subject.composition
    if composition is None:
        return subject
    if running_number is None:
        raise Internal(
            f'profile "{profile.name}" composes common names, but no running number was reserved',
            reason="RUNNING_NUMBER_MISSING",
        )
    name = composition.compose(subject.common_name, subject.branch, issued_utc, running_number)
    return replace(subject, common_name=name)


def lint_tbs(tbs: bytes, issuer: IssuerInfo) -> PreparedCertificate:
    """Check TBS bytes (DER) recorded earlier again. Raises Internal (LINT_FAILED)."""
    return prepare_again(tbs, issuer)


def assemble_certificate(tbs: bytes, issuer: IssuerInfo, signature: bytes) -> bytes:
    """The certificate (DER), verified with the issuer's key. Raises Internal (SIGNATURE_WRONG)."""
    return assemble(tbs, issuer.algorithm, issuer.spki, signature)


def public_key_of(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a certificate (DER) made here."""
    return spki_of(require_usable(x509.load_der_x509_certificate(certificate).public_key()))
