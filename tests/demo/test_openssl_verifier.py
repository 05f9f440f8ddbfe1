from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from examples.demo.openssl import OpensslVerifier
from examples.demo.worker import Signed
from signerd_client import Certificate
from tests.demo.conftest import Authority

NewKey = Callable[[], rsa.RSAPrivateKey]
SignOrder = Callable[[rsa.RSAPrivateKey, str, str], Signed]


def by_credential(*certificates: Certificate) -> dict[str, Certificate]:
    return {certificate.credential: certificate for certificate in certificates}


def test_a_chain_of_another_ca_is_not_counted(
    authority: Authority,
    new_authority: Callable[[], Authority],
    new_key: NewKey,
    verifier: OpensslVerifier,
) -> None:
    """Only certificates whose chain ends at our root count as verified."""
    ours = authority.certify(new_key(), 0x1001)
    foreign = new_authority().certify(new_key(), 0x1002)
    assert verifier.valid_chains([ours, foreign]) == [ours]


def test_an_expired_certificate_is_not_counted(
    authority: Authority, new_key: NewKey, verifier: OpensslVerifier
) -> None:
    """A chain that holds no more today does not count."""
    valid = authority.certify(new_key(), 0x1003)
    expired = authority.certify(new_key(), 0x1004, days=1)
    assert verifier.valid_chains([expired, valid]) == [valid]


def test_only_genuine_signatures_are_counted(
    authority: Authority, new_key: NewKey, sign_order: SignOrder, verifier: OpensslVerifier
) -> None:
    """A changed signature, a changed order and a signature by another customer do not count."""
    key, other_key = new_key(), new_key()
    certificate, other = authority.certify(key, 0x2001), authority.certify(other_key, 0x2002)
    genuine = sign_order(key, certificate.credential, "ORDER-1")
    bent = replace(
        sign_order(key, certificate.credential, "ORDER-2"),
        signature=bytes([genuine.signature[0] ^ 1, *genuine.signature[1:]]),
    )
    paid_more = sign_order(key, certificate.credential, "ORDER-3")
    order = replace(paid_more.instruction.order, content=b"<PmtInf>1000000</PmtInf>")
    paid_more = replace(paid_more, instruction=replace(paid_more.instruction, order=order))
    by_other = sign_order(other_key, certificate.credential, "ORDER-4")
    empty = replace(sign_order(key, certificate.credential, "ORDER-5"), signature=b"")
    found = verifier.valid_signatures(
        [genuine, bent, paid_more, by_other, empty], by_credential(certificate, other)
    )
    assert found == [genuine]


def test_the_end_date_is_that_of_the_certificate(
    authority: Authority, new_key: NewKey, verifier: OpensslVerifier
) -> None:
    """openssl and the API are compared as points in time, not as text."""
    certificate = authority.certify(new_key(), 0x3001, days=365)
    assert verifier.end_date(certificate) == certificate.not_after_time
    assert verifier.end_date(certificate) != certificate.not_after_time + timedelta(seconds=1)
