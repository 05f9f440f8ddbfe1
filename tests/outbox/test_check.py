"""What check-config and doctor say of the ways by which messages leave."""

import re
from pathlib import Path

import pytest

from signerd.app.doctor.finding import Findings, Verdict
from signerd.app.doctor.outbox import check_outbox
from signerd.config.document import render_sample
from signerd.config.load import load_settings
from signerd.config.settings import Settings
from signerd.core.boot import BootError
from tests.outbox.scenario import mail_server


def _settings(directory: Path, outbox: str) -> Settings:
    """A configuration with this section [outbox], its subtables included."""
    sections = re.split(r"^(?=\[)", render_sample(), flags=re.MULTILINE)
    sample = "".join(one for one in sections if not one.startswith("[outbox"))
    path = directory / "signerd.toml"
    path.write_text(sample + "\n[outbox]\n" + outbox, encoding="utf-8")
    return load_settings(path)


_SMTP = """\
email = "smtp"
sender = "a@bank.example"
[outbox.smtp]
server = "mail.bank.example"
username = "u"
"""
_CLEAR = _SMTP + 'password_source = "env:P"\nsecurity = "none"'
_WEBHOOK = """\
sms = "webhook"
[outbox.webhook]
secret_source = "file:sms.key"
"""
_OVER_HTTP = _WEBHOOK + 'url = "http://sms.example/"'
_OVER_TLS = _WEBHOOK + 'url = "https://sms.example/"'


@pytest.mark.parametrize(
    ("outbox", "complaints"),
    [
        ('email = "smtp"', ["outbox.smtp.server is missing", "outbox.sender = no-reply@signerd"]),
        (_SMTP, ["username and password_source belong together"]),
        (_CLEAR, ["would send the password in clear"]),
        ('sms = "webhook"', ["outbox.webhook.url is missing", "secret_source is missing"]),
        (_OVER_HTTP, ["would send codes in clear; use https"]),
        ('sender = "bank"', ["use an e-mail address"]),
        ('[outbox.webhook]\nurl = "ftp://x"', ["use a URL such as https://"]),
        ('[outbox.smtp]\npassword_source = "exec:x"', ["exec: is not a known source"]),
        ("retention_days = 7", ["from 31 to 3650"]),
    ],
)
def test_a_wrong_section_is_refused(tmp_path: Path, outbox: str, complaints: list[str]) -> None:
    """Before anything starts, with the key and what to write there."""
    with pytest.raises(BootError) as refused:
        _settings(tmp_path, outbox)
    for complaint in complaints:
        assert complaint in refused.value.message


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """As everywhere in the configuration."""
    settings = _settings(
        tmp_path,
        'templates = "texts"\n[outbox.smtp]\nca_file = "ca.pem"\nusername = "u"\n'
        'password_source = "file:mail.password"\n[outbox.webhook]\nca_file = "sms.pem"\n'
        'secret_source = "file:sms.key"',
    ).outbox
    assert settings.templates == tmp_path / "texts"
    assert settings.smtp.ca_file == tmp_path / "ca.pem"
    assert settings.smtp.password_source == f"file:{tmp_path}/mail.password"
    assert settings.webhook.ca_file == tmp_path / "sms.pem"
    assert settings.webhook.secret_source == f"file:{tmp_path}/sms.key"


def test_doctor_tries_the_mail_server(tmp_path: Path) -> None:
    """It logs in and hands nothing in; when it cannot, it says what to mend."""
    with mail_server() as server:
        text = (
            'email = "smtp"\nsender = "a@bank.example"\n[outbox.smtp]\nserver = "127.0.0.1"\n'
            f'port = {server.port}\nsecurity = "none"'
        )
        settings = _settings(tmp_path, text)
        findings = Findings()
        check_outbox(findings, settings)
        assert [str(one.verdict) for one in findings.all] == [Verdict.OK, Verdict.OK]
        assert not server.mails
    findings = Findings()
    check_outbox(findings, settings)
    failed = findings.all[-1]
    assert (failed.check, failed.verdict) == ("mail server", Verdict.FAILED)
    assert f"127.0.0.1:{server.port}: SMTP: Connection refused" in failed.text
    assert "put [outbox.smtp] or the mail server right" in failed.text


@pytest.mark.parametrize(
    ("outbox", "complaint"),
    [
        ('language = "ja"', "there are templates in en, ko"),
        ('templates = "nowhere"', "there is no such directory of templates"),
        (_OVER_TLS, "openssl rand -base64 32"),
    ],
)
def test_doctor_reads_templates_and_secrets(tmp_path: Path, outbox: str, complaint: str) -> None:
    """What would keep the keeper from starting is found before."""
    (tmp_path / "sms.key").write_text("too simple")
    (tmp_path / "sms.key").chmod(0o600)
    findings = Findings()
    check_outbox(findings, _settings(tmp_path, outbox))
    (failed,) = findings.all
    assert failed.verdict is Verdict.FAILED
    assert complaint in failed.text
