"""Documents by keys that sign with their subscriber's agreement only."""

import hashlib
import uuid

import pytest

from signerd_client import ActivationMode, Client, CmsForm, KeyAlgorithm, SigningAuthorisation
from signerd_client.error import SignerdError
from tests.documents.conftest import Issue

_PIN = "274953"
_DATA = b"a contract\n"
_P256 = KeyAlgorithm.EC_P256_SHA256


def _reason(error: pytest.ExceptionInfo[SignerdError]) -> str:
    return error.value.reason


@pytest.fixture
def credential(officer: Client) -> str:
    """A key that requires activation, with PIN."""
    certificate = officer.issue_certificate(
        f"agree-{uuid.uuid4().hex[:12]}",
        "personal",
        "홍길동",
        key_algorithm=_P256,
        activation=ActivationMode.REQUIRED,
    )
    officer.set_activation_pin(certificate.credential, _PIN)
    return certificate.credential


def _bound(signer: Client, credential: str, data: bytes) -> SigningAuthorisation:
    digest = hashlib.sha256(data).digest()
    return signer.authorize_signing(credential, pin=_PIN, digests=[digest])


@pytest.mark.parametrize("form", list(CmsForm))
def test_the_subscriber_agrees_to_the_content(
    signer: Client, credential: str, form: CmsForm
) -> None:
    """Not to the attributes around it, which have the time in them; other content is refused."""
    agreed = _bound(signer, credential, _DATA)
    given = {credential: agreed.authorisation}
    with pytest.raises(SignerdError) as refused:
        signer.sign_cms(credential, data=b"another", form=form, authorisations=given)
    assert _reason(refused) == "DIGEST_NOT_AUTHORISED"
    signed = signer.sign_cms(credential, data=_DATA, form=form, authorisations=given)
    assert signer.verify_cms(signed.cms).signers[0].signature_intact
    with pytest.raises(SignerdError) as refused:
        signer.sign_cms(credential, data=_DATA, form=form, authorisations=given)
    assert _reason(refused) == "AUTHORISATION_USED_UP"


def test_where_one_has_not_agreed_nobody_signs(
    signer: Client, auditor: Client, issued: Issue, credential: str
) -> None:
    """The other signer's key is not used either."""
    other = issued(_P256).credential

    def count() -> int:
        return len(list(auditor.list_audit_events(resource=other, kind="signature.created")))

    before = count()
    with pytest.raises(SignerdError) as refused:
        signer.sign_cms([other, credential], data=_DATA)
    assert _reason(refused) == "ACTIVATION_REQUIRED"
    assert count() == before
