"""Libraries that know nothing of signerd sign with keys on its token, and others of them judge."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from josepy.jwa import RS256
from josepy.jwk import JWKRSA
from josepy.jws import JWS
from jwcrypto import jwk, jws
from lxml import etree
from signxml.signer import XMLSigner
from signxml.verifier import VerifyResult, XMLVerifier

from examples.private_daemon import PrivateDaemon
from signerd_client import AsyncClient, Certificate, Client, KeyAlgorithm, RemotePrivateKey
from signerd_client.certificate import pem_encode
from signerd_client.error import FailedPrecondition
from signerd_client.remote_key import RemoteEcPrivateKey, RemoteRsaPrivateKey
from tests.e2e.openssl import openssl

ORDER = "이체 10,000원, 홍길동 → 김영희".encode()
SUBJECT = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "홍길동")])
Issue = Callable[[KeyAlgorithm], Certificate]
RSA = KeyAlgorithm.RSA_2048_PKCS1_SHA256
EC = KeyAlgorithm.EC_P256_SHA256
KINDS = (RSA, KeyAlgorithm.RSA_2048_PSS_SHA256, EC, KeyAlgorithm.ED25519)


@pytest.fixture(scope="module")
def issue(daemon: PrivateDaemon) -> Iterator[Issue]:
    """Certificates for this module, one of each algorithm."""
    made: dict[KeyAlgorithm, Certificate] = {}
    with Client(daemon.target("ra-officer")) as officer:

        def issue(algorithm: KeyAlgorithm) -> Certificate:
            if algorithm not in made:
                subscriber = f"remote-{uuid.uuid4().hex[:12]}"
                made[algorithm] = officer.issue_certificate(
                    subscriber, "personal", "홍길동", key_algorithm=algorithm
                )
            return made[algorithm]

        yield issue


def _key(signer: Client, certificate: Certificate) -> RemotePrivateKey:
    return signer.private_key(certificate.credential)


def _padding(key: RemotePrivateKey) -> PKCS1v15 | PSS | None:
    return key.rsa_padding if isinstance(key, RemoteRsaPrivateKey) else None


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_certificate_request_is_signed_on_the_token(
    issue: Issue, signer: Client, algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    """openssl verifies a request that the x509 builder made, whatever the kind of key."""
    key = _key(signer, issue(algorithm))
    padding = _padding(key)
    request = x509.CertificateSigningRequestBuilder(SUBJECT).sign(
        key, key.hash_algorithm, rsa_padding=padding
    )
    (tmp_path / "request.pem").write_bytes(request.public_bytes(Encoding.PEM))
    judged = openssl("req", "-verify", "-noout", "-in", "request.pem", directory=tmp_path)
    assert judged.returncode == 0
    assert "verify OK" in judged.stdout + judged.stderr


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_ca_of_ones_own_has_its_key_on_the_token(
    issue: Issue, signer: Client, algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    """openssl verifies a certificate that the builder signed, and finds it on the builder's CRL."""
    key = _key(signer, issue(algorithm))
    padding = _padding(key)
    now = datetime.now(UTC)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # noqa: FBT003 - certificates and CRLs
    authority = (
        x509.CertificateBuilder(SUBJECT, SUBJECT, key.public_key(), 1, now, _later(now))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, key.hash_algorithm, rsa_padding=padding)
    )
    entry = x509.RevokedCertificateBuilder(1, now).build()
    crl = (
        x509.CertificateRevocationListBuilder(SUBJECT, now, _later(now))
        .add_revoked_certificate(entry)
        .sign(key, key.hash_algorithm, rsa_padding=padding)
    )
    (tmp_path / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (tmp_path / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    plain = openssl("verify", "-CAfile", "ca.pem", "ca.pem", directory=tmp_path)
    assert plain.stdout == "ca.pem: OK\n"
    judged = openssl("crl", "-CAfile", "ca.pem", "-noout", "-in", "crl.pem", directory=tmp_path)
    assert "verify OK" in judged.stdout + judged.stderr


def _later(now: datetime) -> datetime:
    return now + timedelta(days=1)


@pytest.mark.parametrize("algorithm", [RSA, EC])
def test_a_pkcs7_signature_is_made_on_the_token(
    issue: Issue, signer: Client, algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    """openssl verifies what the PKCS#7 builder made, against the daemon's own chain."""
    certificate = issue(algorithm)
    key = _key(signer, certificate)
    assert isinstance(key, RemoteRsaPrivateKey | RemoteEcPrivateKey)
    own = x509.load_der_x509_certificate(certificate.der)
    signed = (
        pkcs7.PKCS7SignatureBuilder(ORDER)
        .add_signer(own, key, key.hash_algorithm)
        .sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    (tmp_path / "signed.der").write_bytes(signed)
    chain = [pem_encode("CERTIFICATE", der) for der in signer.get_ca_chain()]
    (tmp_path / "chain.pem").write_text("".join(chain))
    judged = openssl(
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", "signed.der"),
        *("-purpose", "any", "-CAfile", "chain.pem"),
        directory=tmp_path,
    )
    assert judged.stdout == ORDER.decode(), judged.stderr


@pytest.mark.parametrize(
    ("algorithm", "method"),
    [
        (RSA, "rsa-sha256"),
        (KeyAlgorithm.RSA_2048_PSS_SHA256, "sha256-rsa-MGF1"),
        (EC, "ecdsa-sha256"),
    ],
)
def test_an_xml_signature_is_made_on_the_token(
    issue: Issue, signer: Client, algorithm: KeyAlgorithm, method: str
) -> None:
    """signxml signs a payment order (XML-DSig), and verifies it with the certificate alone."""
    certificate = issue(algorithm)
    key = _key(signer, certificate)
    assert isinstance(key, RemoteRsaPrivateKey | RemoteEcPrivateKey)
    order = etree.fromstring("<Document><Amt Ccy='KRW'>10000</Amt></Document>")
    signed = XMLSigner(signature_algorithm=method).sign(order, key=key, cert=certificate.pem)
    verified = XMLVerifier().verify(etree.tostring(signed), x509_cert=certificate.pem)
    assert isinstance(verified, VerifyResult)
    assert verified.signed_xml is not None
    assert verified.signed_xml.findtext("Amt") == "10000"


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        (RSA, "RS256"),
        (KeyAlgorithm.RSA_2048_PSS_SHA256, "PS256"),
        (EC, "ES256"),
        (KeyAlgorithm.ED25519, "EdDSA"),
    ],
)
def test_a_json_web_token_is_signed_on_the_token(
    issue: Issue, signer: Client, algorithm: KeyAlgorithm, name: str
) -> None:
    """jwcrypto verifies what PyJWT signed."""
    certificate = issue(algorithm)
    token = jwt.encode({"sub": "홍길동"}, _key(signer, certificate), algorithm=name)
    public = jwk.JWK.from_pem(certificate.pem.encode())
    judge = jws.JWS()
    judge.deserialize(token, public)
    assert json.loads(judge.payload) == {"sub": "홍길동"}


def test_a_json_web_signature_of_josepy_is_made_on_the_token(issue: Issue, signer: Client) -> None:
    """jwcrypto verifies what josepy signed, as ACME clients do."""
    certificate = issue(RSA)
    signed = JWS.sign(
        payload=ORDER,
        key=JWKRSA(key=_key(signer, certificate)),
        alg=RS256,
        include_jwk=False,
    )
    judge = jws.JWS()
    judge.deserialize(signed.json_dumps(), jwk.JWK.from_pem(certificate.pem.encode()))
    assert judge.payload == ORDER


async def test_a_key_of_the_asynchronous_client_signs_in_another_thread(
    issue: Issue, daemon: PrivateDaemon
) -> None:
    """The builder runs in a thread while the event loop talks to the daemon; in the loop's own
    thread the key says what to do instead of blocking for ever."""
    certificate = issue(EC)
    async with AsyncClient(daemon.target("signer")) as client:
        key = await client.private_key(certificate.credential)
        builder = x509.CertificateSigningRequestBuilder(SUBJECT)
        request = await asyncio.to_thread(builder.sign, key, key.hash_algorithm)
        assert request.is_signature_valid
        with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
            builder.sign(key, key.hash_algorithm)


def test_a_refusal_of_the_daemon_reaches_whoever_called_the_library(
    officer: Client, signer: Client
) -> None:
    """A builder with the key of a suspended certificate raises the daemon's error, unchanged."""
    certificate = officer.issue_certificate(
        f"remote-{uuid.uuid4().hex[:12]}", "personal", "홍길동", key_algorithm=EC
    )
    key = _key(signer, certificate)
    officer.suspend_certificate(certificate.name)
    with pytest.raises(FailedPrecondition) as refused:
        x509.CertificateSigningRequestBuilder(SUBJECT).sign(key, key.hash_algorithm)
    assert refused.value.reason == "CREDENTIAL_SUSPENDED"
