"""End-entity certificates. Preparing and signing are two things: what is prepared here was linted,
and what is assembled here was verified; the signature between them is made elsewhere.
"""

from datetime import datetime

from cryptography import x509

from signerd.core.error import Internal
from signerd.core.record import SubjectRecord
from signerd.pki.assembly import (
    PreparedCertificate,
    assemble,
    message_to_sign,
    prepare,
    prepare_again,
)
from signerd.pki.extension import end_entity_extensions
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import UnusableKeyError, load_public_key
from signerd.pki.name import check_subject, subject_name
from signerd.pki.profile import Profile

__all__ = [
    "IssuerInfo",
    "PreparedCertificate",
    "assemble_certificate",
    "lint_tbs",
    "message_to_sign",
    "prepare_certificate",
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
) -> PreparedCertificate:
    """Encode and lint a certificate for the key in spki (DER).

    Raises InvalidRequest for a subject that this profile does not take, Internal (LINT_FAILED,
    KEY_UNUSABLE).
    """
    check_subject(profile, subject)
    try:
        key = load_public_key(spki)
    except UnusableKeyError as error:
        raise Internal(f"the key cannot be certified: {error}", reason="KEY_UNUSABLE") from error
    builder = x509.CertificateBuilder(
        issuer_name=issuer.name,
        subject_name=subject_name(profile, subject, issuer.name),
        public_key=key,
        serial_number=serial,
        not_valid_before=not_before_utc,
        not_valid_after=not_after_utc,
    )
    for extension, critical in end_entity_extensions(profile, subject, key, issuer.key_identifier):
        builder = builder.add_extension(extension, critical)
    return prepare(builder, algorithm=issuer.algorithm, signer_spki=issuer.spki, issuer=issuer)


def lint_tbs(tbs: bytes, issuer: IssuerInfo) -> PreparedCertificate:
    """Check TBS bytes (DER) recorded earlier again. Raises Internal (LINT_FAILED)."""
    return prepare_again(tbs, issuer)


def assemble_certificate(tbs: bytes, issuer: IssuerInfo, signature: bytes) -> bytes:
    """The certificate (DER), verified with the issuer's key. Raises Internal (SIGNATURE_WRONG)."""
    return assemble(tbs, issuer.algorithm, issuer.spki, signature)
