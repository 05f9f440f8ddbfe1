"""A root and an issuing CA per algorithm, and certificates by them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.assembly import PreparedCertificate
from signerd.pki.authority import AuthorityName, prepare_issuing, prepare_root
from signerd.pki.certificate import IssuerInfo, prepare_certificate
from signerd.pki.profile import Profile
from signerd.pki.profile_directory import load_profiles
from signerd.pki.validity import validity_at
from tests.pki.software_token import sign, spki_for

PROFILES = Path(__file__).parents[2] / "signerd" / "pki" / "profiles"
PUBLISHER = "http://pki.bank.example"
NOW = datetime.now(UTC).replace(microsecond=0)
SERIAL = (1 << 158) | 0xC0FFEE
SUBJECT = SubjectRecord("홍길동", ("강남지점",), "gildong@bank.example")


@dataclass(frozen=True)
class Authority:
    """A root and an issuing CA, certificates in DER."""

    root: bytes
    issuing: bytes
    algorithm: KeyAlgorithm
    issuer: IssuerInfo

    def certify(self, prepared: PreparedCertificate) -> bytes:
        """Have the issuing CA sign."""
        return prepared.assemble(sign(self.algorithm, prepared.message, "issuing"))


@cache
def authority_for(algorithm: KeyAlgorithm) -> Authority:
    """The CA whose keys have this algorithm."""
    prepared = prepare_root(
        AuthorityName("KR", "테스트은행", "테스트 루트 인증기관"),
        algorithm,
        spki=spki_for(algorithm, "root"),
        serial=SERIAL,
        now_utc=NOW,
        years=20,
    )
    root = prepared.assemble(sign(algorithm, prepared.message, "root"))
    prepared = prepare_issuing(
        AuthorityName("KR", "테스트은행", "테스트 발급 인증기관"),
        algorithm,
        IssuerInfo(root, algorithm),
        spki=spki_for(algorithm, "issuing"),
        serial=SERIAL + 1,
        now_utc=NOW,
        years=10,
    )
    issuing = prepared.assemble(sign(algorithm, prepared.message, "root"))
    return Authority(root, issuing, algorithm, IssuerInfo(issuing, algorithm))


@cache
def shipped(name: str) -> Profile:
    """A profile that comes with the daemon."""
    return load_profiles(PROFILES, publisher_url=PUBLISHER)[name]


def prepare_for(
    authority: Authority,
    profile: Profile,
    subject: SubjectRecord,
    spki: bytes,
    serial: int = SERIAL + 2,
    *,
    identity: HolderIdentity | None = None,
    running_number: int | None = None,
) -> PreparedCertificate:
    """Prepare a certificate valid from now."""
    not_before, not_after = validity_at(profile, NOW, authority.issuer.not_after_utc)
    return prepare_certificate(
        profile,
        authority.issuer,
        subject,
        spki=spki,
        serial=serial,
        not_before_utc=not_before,
        not_after_utc=not_after,
        identity=identity,
        running_number=running_number,
    )
