"""PDF signatures with keys that stay with the daemon; pyHanko is the judge."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from examples.private_daemon import PrivateDaemon
from signerd_client import Client, KeyAlgorithm, RevocationReason
from signerd_client.cms import SigningTimeBasis
from signerd_client.error import InvalidRequest
from signerd_client.pdf import PdfLevel, sign_pdf, verify_pdf
from tests.documents.conftest import Issue, issue_for
from tests.e2e.signerctl import signerctl

_P256 = KeyAlgorithm.EC_P256_SHA256


def _document() -> bytes:
    """One empty page."""
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - only here
    from pyhanko.pdf_utils.content import RawContent  # noqa: PLC0415 - only here
    from pyhanko.pdf_utils.writer import PageObject  # noqa: PLC0415 - only here

    writer = PdfFileWriter()
    stream = generic.StreamObject(stream_data=RawContent(b"").render())
    page = PageObject(contents=writer.add_object(stream), media_box=(0, 0, 200, 200))
    writer.insert_page(page)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


@pytest.fixture(scope="session")
def roots(officer: Client) -> list[Any]:
    """What the judge trusts."""
    return [x509.Certificate.load(officer.get_ca_chain()[-1])]


def _judged(signed: bytes, roots: list[Any]) -> Any:
    """Pyhanko's own verdict, by the certificates in the file and the root."""
    embedded = PdfFileReader(io.BytesIO(signed)).embedded_regular_signatures[0]
    context = ValidationContext(trust_roots=roots)
    return asyncio.run(async_validate_pdf_signature(embedded, context, context))


@pytest.mark.parametrize(
    "algorithm",
    [
        KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        KeyAlgorithm.RSA_2048_PSS_SHA256,
        _P256,
        KeyAlgorithm.EC_P384_SHA384,
        KeyAlgorithm.ED25519,
    ],
)
def test_pyhanko_accepts_every_algorithm(
    signer: Client, issued: Issue, roots: list[Any], algorithm: KeyAlgorithm
) -> None:
    """B-T: with a time stamp by the daemon over the signature."""
    signed = sign_pdf(signer, issued(algorithm).credential, _document())
    status = _judged(signed, roots)
    assert status.bottom_line, status.pretty_print_details()
    assert status.timestamp_validity.trusted
    verdict = verify_pdf(signer, signed)
    assert verdict.valid, verdict
    (one,) = verdict.signers
    assert one.covers_file
    assert one.cms.judged_basis is SigningTimeBasis.TIME_STAMP


def test_without_a_time_stamp_it_is_b_b(signer: Client, issued: Issue, roots: list[Any]) -> None:
    """Valid now; when it was made, nobody says."""
    signed = sign_pdf(signer, issued(_P256).credential, _document(), level=PdfLevel.B_B)
    status = _judged(signed, roots)
    assert status.bottom_line
    assert status.timestamp_validity is None
    (one,) = verify_pdf(signer, signed).signers
    assert one.valid
    assert one.cms.judged_basis is SigningTimeBasis.NOW


def test_b_lt_is_validated_without_anybody(signer: Client, issued: Issue, roots: list[Any]) -> None:
    """Certificates, OCSP response and CRLs are in the file: pyHanko, which may fetch nothing and
    has to know of no revocation, accepts it."""
    signed = sign_pdf(signer, issued(_P256).credential, _document(), level=PdfLevel.B_LT)
    reader = PdfFileReader(io.BytesIO(signed))
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {"trust_roots": roots, "allow_fetching": False, "revocation_mode": "hard-fail"}
    )
    embedded = reader.embedded_regular_signatures[0]
    status = asyncio.run(async_validate_pdf_signature(embedded, context, context))
    assert status.bottom_line, status.pretty_print_details()
    assert verify_pdf(signer, signed).valid


def test_two_sign_one_document(signer: Client, issued: Issue) -> None:
    """The second leaves the first as it was."""
    once = sign_pdf(signer, issued(_P256).credential, _document())
    twice = sign_pdf(
        signer, issued(KeyAlgorithm.EC_P384_SHA384).credential, once, level=PdfLevel.B_LT
    )
    verdict = verify_pdf(signer, twice)
    assert verdict.valid, verdict
    assert [one.field for one in verdict.signers] == ["Signature", "Signature2"]
    assert not verdict.signers[0].covers_file


def test_a_changed_document_is_found(signer: Client, issued: Issue, roots: list[Any]) -> None:
    """A byte of the page's size, by both."""
    signed = sign_pdf(signer, issued(_P256).credential, _document())
    changed = signed.replace(b"200 200", b"200 900", 1)
    assert changed != signed
    assert not _judged(changed, roots).bottom_line
    verdict = verify_pdf(signer, changed)
    assert "CONTENT_CHANGED" in {problem.code for problem in verdict.signers[0].problems}


def test_what_was_stamped_before_a_revocation_stays_valid(officer: Client, signer: Client) -> None:
    """Without the time stamp it does not."""
    certificate = issue_for(officer, _P256)
    stamped, plain = (
        sign_pdf(signer, certificate.credential, _document(), level=level)
        for level in (PdfLevel.B_T, PdfLevel.B_B)
    )
    officer.revoke_certificate(certificate.name, RevocationReason.KEY_COMPROMISE)
    assert verify_pdf(signer, stamped).valid
    (one,) = verify_pdf(signer, plain).signers
    assert [problem.code for problem in one.problems] == ["CERTIFICATE_REVOKED"]


def test_the_command_line_signs_and_verifies(
    daemon: PrivateDaemon, issued: Issue, tmp_path: Path
) -> None:
    """The exit code tells the verdict."""
    plain, signed = tmp_path / "plain.pdf", tmp_path / "signed.pdf"
    plain.write_bytes(_document())
    made = signerctl(
        daemon,
        "signer",
        *(
            "pdf",
            "sign",
            "--in",
            str(plain),
            "--out",
            str(signed),
            "--credential",
            issued(_P256).credential,
        ),
        *("--level", "B-LT", "--reason", "계약"),
    )
    assert made.returncode == 0, made.stderr
    assert "time stamp" in made.stdout
    good = signerctl(daemon, "relying-party", "pdf", "verify", "--in", str(signed))
    assert good.returncode == 0, good.stdout
    assert "by its time stamp" in good.stdout
    assert signerctl(daemon, "relying-party", "pdf", "verify", "--in", str(plain)).returncode == 1


def test_what_is_no_pdf_file_is_refused(signer: Client, issued: Issue) -> None:
    """And an unsigned one is not valid."""
    for call in (
        lambda: sign_pdf(signer, issued(_P256).credential, b"no PDF"),
        lambda: verify_pdf(signer, b"no PDF"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert caught.value.reason == "PDF_MALFORMED"
    verdict = verify_pdf(signer, _document())
    assert not verdict.valid
    assert [problem.code for problem in verdict.problems] == ["NOT_SIGNED"]
