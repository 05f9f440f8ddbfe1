"""The bank's verification service as it is configured: whom we trust, and who we say we are."""

import re
import ssl
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web

from signerd.app.doctor.finding import Findings, Verdict
from signerd.app.doctor.identity import check_identity_checks
from signerd.app.identity import check_identity, open_document_verifier
from signerd.config.document import render_sample
from signerd.config.load import load_settings
from signerd.config.secret_source import Secret
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import ServiceUnavailable
from signerd.core.evidence import DocumentKind
from signerd.identity.document import DocumentOutcome, IdentityDocument
from tests.client.pki import Identity, make_identity

_DOCUMENT = IdentityDocument(
    DocumentKind.DRIVERS_LICENCE, Secret("112234567860"), Secret("홍길동"), date(2020, 5, 6)
)

_SERVICE = 'document_verifier = "https://kyc.bank.example/"\n'


def _settings(directory: Path, identity: str) -> Settings:
    """A configuration with this section [identity]."""
    sections = re.split(r"^(?=\[)", render_sample(), flags=re.MULTILINE)
    sample = "".join(one for one in sections if not one.startswith("[identity"))
    path = directory / "signerd.toml"
    path.write_text(f"{sample}\n[identity]\n{identity}\n", encoding="utf-8")
    return load_settings(path)


async def _serve(stack: AsyncExitStack, directory: Path, ca: Identity) -> tuple[str, list[str]]:
    """A service that finds everything genuine; its URL, and how callers showed who they are."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.json_response({"outcome": "GENUINE", "reference": "case-7"})

    app = web.Application()
    app.router.add_post("/verify", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = make_identity("service", issuer=ca, dns_names=["localhost"])
    tls.load_cert_chain(*server.write(directory, "service"))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return f"https://localhost:{runner.addresses[0][1]}/verify", asked


async def test_the_service_is_asked_as_configured(tmp_path: Path) -> None:
    """Its certificate is checked with the CA of the file, and it gets the header of the secret;
    without the file it is not trusted and gets nothing."""
    ca = make_identity("bank CA")
    ca.write(tmp_path, "ca")
    token = tmp_path / "token"
    token.write_text("Bearer 7KQ2M9XW4T\n")
    token.chmod(0o600)
    async with AsyncExitStack() as stack:
        url, asked = await _serve(stack, tmp_path, ca)
        settings = _settings(
            tmp_path,
            f'document_verifier = "{url}"\ndocument_ca_file = "ca.pem"\n'
            'document_authorization_source = "file:token"',
        )
        check_identity(settings)
        service = await open_document_verifier(settings, stack)
        assert service is not None
        verdict = await service.verify(_DOCUMENT)
        assert (verdict.outcome, verdict.reference) == (DocumentOutcome.GENUINE, "case-7")
        assert asked == ["Bearer 7KQ2M9XW4T"]
        strange = await open_document_verifier(
            _settings(tmp_path, f'document_verifier = "{url}"'), stack
        )
        assert strange is not None
        with pytest.raises(ServiceUnavailable):
            await strange.verify(_DOCUMENT)
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("identity", "complaint"),
    [
        ('document_verifier = "http://kyc.bank.example/"', "use https, or http to this machine"),
        (
            f'{_SERVICE}document_ca_file = "none.pem"',
            "none.pem is no file of CA certificates",
        ),
        (
            f'{_SERVICE}document_authorization_source = "env:NOT_SET_HERE"',
            "NOT_SET_HERE is not set",
        ),
        ('rules = "rules.toml"', "unknown"),
    ],
)
def test_what_is_wrong_is_told_before_a_start(
    tmp_path: Path, identity: str, complaint: str
) -> None:
    """By `signerd check-config`, which asks nobody."""
    (tmp_path / "rules.toml").write_text("[lockout]\nmax_failure = 3\n")
    with pytest.raises(BootError) as refused:
        check_identity(_settings(tmp_path, identity))
    assert refused.value.code is ExitCode.CONFIG_INVALID
    assert complaint in refused.value.message


def test_doctor_says_who_verifies_documents(tmp_path: Path) -> None:
    """The service is named and not asked, a file is read, and nobody is worth a note."""

    def found(identity: str) -> list[tuple[Verdict, str]]:
        findings = Findings()
        check_identity_checks(findings, _settings(tmp_path, identity))
        return [(one.verdict, one.text) for one in findings.all if "documents" in one.check]

    ((verdict, text),) = found(_SERVICE)
    assert (verdict, "kyc.bank.example" in text) == (Verdict.OK, True)
    ((verdict, text),) = found("")
    assert (verdict, "set identity.document_verifier" in text) == (Verdict.NOTE, True)
    documents = tmp_path / "documents.csv"
    documents.write_text("kind,number,name,issue_date\nPASSPORT,M12345678,Kim,2020-05-06\n")
    in_file = 'document_verifier = "file:documents.csv"'
    ((verdict, text),) = found(in_file)
    assert (verdict, text) == (Verdict.OK, f"1 in {documents}, which is for tests")
    documents.write_text("kind,number\n")
    ((verdict, text),) = found(in_file)
    assert (verdict, "line 1 is not kind,number" in text) == (Verdict.FAILED, True)
