"""The published sample of an NPKI certificate, and CAs and profiles in its form."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import HolderIdentity, SubjectRecord
from signerd.pki.issuer import IssuerInfo
from signerd.pki.profile import Profile
from tests.pki.software_authority import Authority, authority_for, prepare_for
from tests.pki.software_token import key_for, spki_for

RSA = KeyAlgorithm.RSA_2048_PKCS1_SHA256
SAMPLE = (Path(__file__).parents[1] / "vectors" / "npki" / "npki-test-certificate.der").read_bytes()
SUBJECT = SubjectRecord("홍길동", branch="041")
IDENTITY = HolderIdentity("홍길동", bytes(range(32)), b"sealed")


def npki_certificate(profile: Profile, authority: Authority | None = None) -> bytes:
    """A certificate of an NPKI profile, issued today with running number 30."""
    above = authority or authority_for(RSA)
    prepared = prepare_for(
        above, profile, SUBJECT, spki_for(RSA), identity=IDENTITY, running_number=30
    )
    return above.certify(prepared)


def sample_issuer() -> IssuerInfo:
    """A CA that the sample could be of: its name, its key identifier, its place in a hierarchy.
    The key is another."""
    sample = x509.load_der_x509_certificate(SAMPLE)
    authority = sample.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier is not None
    assert authority.authority_cert_issuer is not None
    above = authority.authority_cert_issuer[0].value
    key = key_for(RSA, "issuing")
    assert isinstance(key, rsa.RSAPrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .issuer_name(above)
        .subject_name(sample.issuer)
        .public_key(key.public_key())
        .serial_number(authority.authority_cert_serial_number or 0)
        .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2025, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectKeyIdentifier(authority.key_identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return IssuerInfo(certificate.public_bytes(Encoding.DER), RSA)
