"""Signed documents as others get them: openssl is the judge, pyHanko of Ed25519."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp  # noqa: F401 - names the attributes of RFC 5035

from examples.private_daemon import PrivateDaemon
from signerd_client import Client, CmsForm, Hash, KeyAlgorithm, RevocationReason
from signerd_client.error import FailedPrecondition, InvalidRequest, SignerdError
from tests.documents.conftest import CmsJudge, Issue, issue_for
from tests.e2e.openssl import openssl

_CONTENT = "이체 10,000원, 홍길동 → 김영희\n".encode()
_RSA = KeyAlgorithm.RSA_2048_PKCS1_SHA256
_P256 = KeyAlgorithm.EC_P256_SHA256
_ALGORITHMS = (_RSA, KeyAlgorithm.RSA_2048_PSS_SHA256, _P256, KeyAlgorithm.EC_P384_SHA384)


def _signed_data(message: bytes) -> asn1_cms.SignedData:
    return asn1_cms.ContentInfo.load(message, strict=True)["content"]


@pytest.mark.parametrize("is_detached", [False, True])
@pytest.mark.parametrize("form", list(CmsForm))
@pytest.mark.parametrize("algorithm", _ALGORITHMS)
def test_openssl_accepts_every_form(
    signer: Client,
    issued: Issue,
    judge: CmsJudge,
    algorithm: KeyAlgorithm,
    form: CmsForm,
    *,
    is_detached: bool,
) -> None:
    """With the root alone, for the chain goes along; of another content it refuses the same."""
    certificate = issued(algorithm)
    signed = signer.sign_cms(certificate.credential, data=_CONTENT, form=form, detached=is_detached)
    assert judge.accepts(signed.cms, _CONTENT, is_detached=is_detached) == ""
    assert judge.accepts(signed.cms, _CONTENT + b"0", is_detached=is_detached) != ""
    assert [one.certificate for one in signed.signers] == [certificate.name]
    assert signed.signers[0].key_algorithm is algorithm


def test_the_signed_attributes_are_these(signer: Client, issued: Issue) -> None:
    """Content type, digest, a signing time of now, and the certificate's own hash (RFC 5035)."""
    certificate = issued(_RSA)
    signed = signer.sign_cms(certificate.credential, data=_CONTENT)
    (info,) = _signed_data(signed.cms)["signer_infos"]
    attributes = {one["type"].native: one["values"].native for one in info["signed_attrs"]}
    assert set(attributes) == {
        "content_type",
        "message_digest",
        "signing_time",
        "signing_certificate_v2",
    }
    assert attributes["content_type"] == ["data"]
    assert attributes["message_digest"] == [hashlib.sha256(_CONTENT).digest()]
    assert abs(attributes["signing_time"][0] - datetime.now(UTC)) < timedelta(minutes=2)
    (named,) = attributes["signing_certificate_v2"][0]["certs"]
    assert named["cert_hash"] == hashlib.sha256(certificate.der).digest()


def test_the_plain_form_has_no_attributes(
    signer: Client, issued: Issue, tmp_path: Path, root_pem: Path
) -> None:
    """`openssl smime`, which knows PKCS#7 only, verifies it, and `pkcs7` prints signer and CA."""
    signed = signer.sign_cms(issued(_RSA).credential, data=_CONTENT, form=CmsForm.PKCS7)
    (info,) = _signed_data(signed.cms)["signer_infos"]
    assert info["signed_attrs"].native is None
    message = tmp_path / "plain.p7m"
    message.write_bytes(signed.cms)
    done = openssl(
        *("smime", "-verify", "-binary", "-purpose", "any", "-inform", "DER"),
        *("-in", str(message), "-CAfile", str(root_pem)),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.encode() == _CONTENT
    printed = openssl("pkcs7", "-print_certs", "-inform", "DER", "-in", str(message))
    assert printed.stdout.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("form", list(CmsForm))
def test_a_digest_is_enough_for_a_detached_signature(
    signer: Client, issued: Issue, judge: CmsJudge, form: CmsForm
) -> None:
    """The content never leaves its owner."""
    digest = hashlib.sha256(_CONTENT).digest()
    signed = signer.sign_cms(issued(_P256).credential, digest=digest, form=form)
    assert judge.accepts(signed.cms, _CONTENT, is_detached=True) == ""


@pytest.mark.parametrize("is_detached", [False, True])
def test_several_sign_together_and_after_one_another(
    signer: Client, issued: Issue, judge: CmsJudge, *, is_detached: bool
) -> None:
    """Two in one call; a third is added later and leaves what was there as it was."""
    first = [issued(one).credential for one in (_RSA, KeyAlgorithm.EC_P384_SHA384)]
    both = signer.sign_cms(first, data=_CONTENT, detached=is_detached)
    three = signer.sign_cms(
        issued(_P256).credential,
        data=_CONTENT if is_detached else None,
        cms=both.cms,
        detached=is_detached,
    )
    assert judge.accepts(three.cms, _CONTENT, is_detached=is_detached) == ""
    before, after = (
        {info.dump() for info in _signed_data(one.cms)["signer_infos"]} for one in (both, three)
    )
    assert before < after
    assert len(after) == 3
    assert len(_signed_data(three.cms)["certificates"]) == 4


def test_nobody_is_added_to_another_content(signer: Client, issued: Issue) -> None:
    """Neither where the content is attached nor where only its digest is there."""
    for is_detached in (False, True):
        signed = signer.sign_cms(issued(_RSA).credential, data=_CONTENT, detached=is_detached)
        with pytest.raises(InvalidRequest) as caught:
            signer.sign_cms(
                issued(_P256).credential, data=b"other", cms=signed.cms, detached=is_detached
            )
        assert caught.value.reason == "CONTENT_MISMATCH"


def test_each_signature_is_on_record(daemon: PrivateDaemon, signer: Client, issued: Issue) -> None:
    """Under the digest of the attributes, which is what the key signed."""
    signed = signer.sign_cms(issued(_RSA).credential, data=_CONTENT)
    (info,) = _signed_data(signed.cms)["signer_infos"]
    attributes = b"\x31" + info["signed_attrs"].dump()[1:]
    digest = f"sha256:{hashlib.sha256(attributes).hexdigest()}"
    with Client(daemon.target("auditor")) as auditor:
        events = list(auditor.list_audit_events(resource=signed.signers[0].credential))
    assert digest in {one.details["digest"] for one in events}


def test_who_is_revoked_signs_no_document(officer: Client, signer: Client) -> None:
    """And leaves no signature of the other signer behind."""
    revoked, active = (issue_for(officer, _P256) for _ in range(2))
    officer.revoke_certificate(revoked.name, RevocationReason.KEY_COMPROMISE)
    with pytest.raises(FailedPrecondition) as caught:
        signer.sign_cms([active.credential, revoked.credential], data=_CONTENT)
    assert caught.value.reason == "CREDENTIAL_RETIRED"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"data": b"x", "cms": b"no message"}, "CMS_MALFORMED"),
        ({"digest": hashlib.sha512(b"x").digest()}, "DIGEST_MISMATCH"),
        ({"digest": bytes(31), "hash_algorithm": Hash.SHA256}, "DIGEST_LENGTH"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    signer: Client, issued: Issue, arguments: dict[str, bytes], reason: str
) -> None:
    """With a reason of its own."""
    with pytest.raises(SignerdError) as caught:
        signer.sign_cms(issued(_P256).credential, **arguments)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_the_same_signer_twice_is_a_mistake(signer: Client, issued: Issue) -> None:
    """Nobody gains by it."""
    credential = issued(_P256).credential
    with pytest.raises(InvalidRequest) as caught:
        signer.sign_cms([credential, credential], data=b"x")
    assert caught.value.reason == "SIGNER_TWICE"
