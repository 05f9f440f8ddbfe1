"""What is wrong with a profile file, found by making a certificate under it that nobody gets."""

from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.core.algorithm import KeyAlgorithm, spec_of
from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.assembly import throwaway_certificate
from signerd.pki.authority import AuthorityName, authority_validity
from signerd.pki.certificate import describe_certificate
from signerd.pki.extension import key_identifiers, key_usage
from signerd.pki.issuer import IssuerInfo
from signerd.pki.key import require_usable, spki_of
from signerd.pki.lint.linter import lint_certificate
from signerd.pki.profile import Presence, Profile
from signerd.pki.profile_directory import ProfileError, read_profile
from signerd.pki.throwaway import throwaway_key
from signerd.pki.validity import validity_at

# Two keys, because nobody is certified for the issuer's.
_ISSUER_ALGORITHM: Final = KeyAlgorithm.ED25519
_HOLDER_ALGORITHM: Final = KeyAlgorithm.EC_P256_SHA256
_ISSUER_YEARS: Final = 20
_SERIAL: Final = 1 << 158
_PUBLISHER: Final = "http://publisher.example"
# Rules that a file can break although each of its keys is right, and the key to look at.
_FIELDS: Final = {
    "ocsp-signer": "extensions.extended_key_usage",
    "time-stamping": "extensions.extended_key_usage",
}


def lint_profile(path: Path, now_utc: datetime) -> tuple[str, ...]:
    """One line a finding: the key at fault, what is wrong, and which standard demands it.

    The certificate judged is for an invented holder, by an invented issuer.
    """
    try:
        profile = read_profile(path, publisher_url=_PUBLISHER)
    except ProfileError as error:
        return error.problems
    issuer = _issuer(now_utc)
    found = lint_certificate(_certificate(profile, issuer, now_utc), issuer, _ISSUER_ALGORITHM)
    return tuple(f"{_field(one.rule)}: {one.problem} ({one.clause})" for one in found)


def _field(rule: str) -> str:
    return _FIELDS.get(rule, "extensions")


def _certificate(profile: Profile, issuer: IssuerInfo, now_utc: datetime) -> bytes:
    not_before, not_after = validity_at(profile, now_utc, issuer.not_after_utc)
    builder = describe_certificate(
        profile,
        issuer,
        _subject(profile),
        spki=_spki(_HOLDER_ALGORITHM),
        serial=_SERIAL,
        not_before_utc=not_before,
        not_after_utc=not_after,
        identity=HolderIdentity("홍길동", bytes(32), b"") if profile.identify_data else None,
        running_number=0,
    )
    return throwaway_certificate(builder, _ISSUER_ALGORITHM).public_bytes(Encoding.DER)


def _subject(profile: Profile) -> SubjectRecord:
    is_email = profile.email is not Presence.REFUSED
    is_dns = profile.dns is not Presence.REFUSED
    return SubjectRecord(
        "홍길동",
        email="gildong@bank.example" if is_email else "",
        dns_names=("host.bank.example",) if is_dns else (),
        branch="001",
    )


def _issuer(now_utc: datetime) -> IssuerInfo:
    name = AuthorityName("KR", "lint", "lint").name()
    start, end = authority_validity(now_utc, _ISSUER_YEARS)
    key = require_usable(throwaway_key(spec_of(_ISSUER_ALGORITHM)).public_key())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key).digest
    builder = x509.CertificateBuilder(name, name, key, _SERIAL, start, end)
    for extension, critical in (
        *key_identifiers(key, identifier),
        key_usage(key_cert_sign=True),
        (x509.BasicConstraints(ca=True, path_length=0), True),
    ):
        builder = builder.add_extension(extension, critical)
    certificate = throwaway_certificate(builder, _ISSUER_ALGORITHM)
    return IssuerInfo(certificate.public_bytes(Encoding.DER), _ISSUER_ALGORITHM)


def _spki(algorithm: KeyAlgorithm) -> bytes:
    return spki_of(require_usable(throwaway_key(spec_of(algorithm)).public_key()))
