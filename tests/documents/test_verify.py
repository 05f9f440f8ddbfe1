"""Verification of documents and time stamps by the daemon, over the API and the command line."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.sign.validation import async_validate_cms_signature
from pyhanko_certvalidator import ValidationContext

from examples.private_daemon import PrivateDaemon
from signerd_client import CertificateState, Client, CmsForm, KeyAlgorithm, RevocationReason
from signerd_client.cms import SigningTimeBasis
from signerd_client.error import InvalidRequest
from tests.documents.conftest import Issue, issue_for
from tests.e2e.openssl import openssl
from tests.e2e.signerctl import signerctl

_DATA = b"a contract\n"
_P256 = KeyAlgorithm.EC_P256_SHA256


@pytest.mark.parametrize("form", list(CmsForm))
@pytest.mark.parametrize("is_detached", [False, True])
def test_what_the_daemon_signed_it_verifies(
    signer: Client, issued: Issue, form: CmsForm, *, is_detached: bool
) -> None:
    """Attached and detached, by the content or its digest alone."""
    certificate = issued(_P256)
    signed = signer.sign_cms(certificate.credential, data=_DATA, form=form, detached=is_detached)
    verdict = signer.verify_cms(signed.cms, data=_DATA if is_detached else None)
    (one,) = verdict.signers
    assert verdict.valid
    assert (one.certificate, one.subject) == (certificate.name, certificate.subject)
    assert one.algorithm == "EC P-256 SHA256"
    assert verdict.data == (b"" if is_detached else _DATA)
    wanted = SigningTimeBasis.CLAIMED if form is CmsForm.CMS else SigningTimeBasis.NOW
    assert one.judged_basis is wanted
    assert signer.verify_cms(signed.cms, digest=hashlib.sha256(_DATA).digest()).valid
    changed = signer.verify_cms(signed.cms, data=_DATA + b"!")
    assert not changed.valid
    assert not changed.signers[0].signature_intact


def test_the_time_stamp_outlives_a_revocation(officer: Client, signer: Client) -> None:
    """Stamped before a compromise a signature counts, without a stamp no more."""
    certificate = issue_for(officer, _P256)
    stamped, plain = (
        signer.sign_cms(certificate.credential, data=_DATA, with_time_stamp=with_it)
        for with_it in (True, False)
    )
    revoked = officer.revoke_certificate(certificate.name, RevocationReason.KEY_COMPROMISE)
    assert revoked.state is CertificateState.REVOKED
    good = signer.verify_cms(stamped.cms)
    assert good.valid
    (one,) = good.signers
    assert one.judged_basis is SigningTimeBasis.TIME_STAMP
    assert one.time_stamp is not None
    assert one.time_stamp.valid
    assert one.time_stamp.time == stamped.signers[0].time_stamp_time
    bad = signer.verify_cms(plain.cms)
    assert [problem.code for problem in bad.signers[0].problems] == ["CERTIFICATE_REVOKED"]


def test_a_time_stamp_is_verified(signer: Client) -> None:
    """Token and response, by data and digest; of other data it is none."""
    digest = hashlib.sha256(_DATA).digest()
    stamp = signer.create_timestamp(digest=digest)
    for given in (stamp.response, stamp.token):
        verdict = signer.verify_timestamp(given, data=_DATA)
        assert verdict.valid, verdict
        assert verdict.serial_number == stamp.serial_number
        assert verdict.accuracy_us == 1_000_000
        assert verdict.authority.startswith("CN=signerd test issuing CA TSA")
    assert signer.verify_timestamp(stamp.token, digest=digest).valid
    wrong = signer.verify_timestamp(stamp.token, data=b"other")
    assert [problem.code for problem in wrong.problems] == ["CONTENT_CHANGED"]
    with pytest.raises(InvalidRequest) as caught:
        signer.verify_timestamp(b"none", data=_DATA)
    assert caught.value.reason == "CMS_MALFORMED"


@pytest.mark.parametrize(
    "options",
    [
        ("-outform", "DER", "-md", "sha512"),
        ("-outform", "DER", "-stream"),
        ("-outform", "DER", "-stream", "-noattr"),
        ("-outform", "PEM", "-keyid"),
        ("-outform", "DER", "-keyopt", "rsa_padding_mode:pss"),
    ],
    ids=" ".join,
)
def test_a_message_by_openssl_is_verified(
    signer: Client, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """In DER, BER and PEM: a stranger's signature holds, and the daemon says that it does not know
    the stranger."""
    (tmp_path / "data").write_bytes(_DATA)
    made = openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", "key", "-out", "cert"),
        *("-subj", "/CN=stranger"),
        directory=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    done = openssl(
        *("cms", "-sign", "-binary", "-nodetach", "-in", "data", "-signer", "cert"),
        *("-inkey", "key", "-out", "message", *options),
        directory=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    verdict = signer.verify_cms((tmp_path / "message").read_bytes())
    (one,) = verdict.signers
    assert one.signature_intact
    assert verdict.data == _DATA
    assert {problem.code for problem in one.problems} == {"CHAIN_INVALID", "CERTIFICATE_UNKNOWN"}


async def test_pyhanko_verifies_ed25519(signer: Client, officer: Client) -> None:
    """RFC 8419, which openssl 3.0 does not know."""
    certificate = issue_for(officer, KeyAlgorithm.ED25519)
    signed = signer.sign_cms(certificate.credential, data=_DATA)
    assert signer.verify_cms(signed.cms).valid
    info = asn1_cms.ContentInfo.load(signed.cms)
    roots = [asn1_cms.Certificate.load(officer.get_ca_chain()[-1])]
    status = await async_validate_cms_signature(
        info["content"],
        validation_context=ValidationContext(
            trust_roots=roots, moment=datetime.now(UTC), revocation_mode="soft-fail"
        ),
    )
    assert status.intact
    assert status.valid
    assert status.trusted


def test_the_command_line_signs_and_verifies(
    daemon: PrivateDaemon, issued: Issue, tmp_path: Path
) -> None:
    """PEM or DER; the exit code tells the verdict."""
    (tmp_path / "data").write_bytes(_DATA)
    credential = issued(_P256).credential
    made = signerctl(
        daemon,
        "signer",
        *("cms", "sign", "--credential", credential, "--in", str(tmp_path / "data")),
        *("--time-stamp", "--format", "pem", "--out", str(tmp_path / "message.pem")),
    )
    assert made.returncode == 0, made.stderr
    assert "time stamp" in made.stdout
    verify = ("cms", "verify", "--cms", str(tmp_path / "message.pem"))
    good = signerctl(daemon, "relying-party", *verify, "--out", str(tmp_path / "out"))
    assert good.returncode == 0, good.stderr
    assert (tmp_path / "out").read_bytes() == _DATA
    assert "by its time stamp" in good.stdout
    (tmp_path / "data").write_bytes(b"changed")
    bad = signerctl(
        daemon, "relying-party", *verify, "--in", str(tmp_path / "data"), "--output", "json"
    )
    assert bad.returncode == 1
    assert not json.loads(bad.stdout)["valid"]
    stamp = ("--out", str(tmp_path / "stamp"))
    data = ("--in", str(tmp_path / "data"))
    assert signerctl(daemon, "signer", "timestamp", "create", *data, *stamp).returncode == 0
    held = signerctl(
        daemon, "signer", "timestamp", "verify", "--time-stamp", str(tmp_path / "stamp"), *data
    )
    assert held.returncode == 0, held.stdout
    assert "authority" in held.stdout
