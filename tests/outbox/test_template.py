"""The texts of messages."""

from pathlib import Path

import pytest

from signerd.core.boot import BootError
from signerd.core.lifecycle import RevocationReason
from signerd.core.message import Channel, MessageKind
from signerd.outbox.template import PARAMETERS, load_templates
from tests.outbox.scenario import VALUES

# What an SMS of the Korean networks holds, in the encoding they use.
_SMS_BYTES = 90
_KINDS = [
    (kind, channel, lang) for kind in MessageKind for channel in Channel for lang in ("ko", "en")
]


@pytest.mark.parametrize(("kind", "channel", "language"), _KINDS)
def test_every_kind_is_written_in_every_language(
    kind: MessageKind, channel: Channel, language: str
) -> None:
    """Nothing is left to be filled in, and what the reader must know is there."""
    values = {name: VALUES[name] for name in PARAMETERS[kind]}
    text = load_templates().language(language, "ko").write(kind, channel, values)
    assert "$" not in text.subject + text.body
    assert VALUES["bank"] in text.body
    assert (VALUES["bank"] in text.subject) == (channel is Channel.EMAIL)
    assert any(
        "가" <= letter <= "힣"
        for letter in text.body.replace(VALUES["bank"], "").replace(VALUES["name"], "")
    ) == (language == "ko")
    if kind is MessageKind.CODE:
        assert VALUES["code"] in text.body
        assert VALUES["code"] not in text.subject
    if kind is MessageKind.CERTIFICATE_EXPIRING:
        assert "7" in text.body
    if channel is Channel.SMS:
        assert text.body.count("\n") == 1
        if language == "ko":
            assert len(text.body.rstrip().encode("euc-kr")) <= _SMS_BYTES


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_reason_has_words(language: str) -> None:
    """A subscriber reads why, and no name of a constant."""
    known = load_templates().language(language, "ko")
    wanted = {reason.name for reason in RevocationReason} - {"CERTIFICATE_HOLD"}
    assert set(known.reasons) == wanted | {"SUSPENSION_ENDED"}
    values = {name: VALUES[name] for name in PARAMETERS[MessageKind.CERTIFICATE_REVOKED]}
    text = known.write(MessageKind.CERTIFICATE_REVOKED, Channel.EMAIL, values)
    assert known.reasons["KEY_COMPROMISE"] in text.body


def test_a_value_is_data() -> None:
    """Neither a line break nor a $ in a name makes a header, a line or a parameter."""
    values = {name: VALUES[name] for name in PARAMETERS[MessageKind.CODE]}
    values["name"] = "$code\r\nBcc: everybody@example"
    text = load_templates().language("en", "ko").write(MessageKind.CODE, Channel.EMAIL, values)
    assert "Dear $code Bcc: everybody@example," in text.body


def test_a_bank_has_texts_of_its_own(tmp_path: Path) -> None:
    """A file replaces the shipped one, the others stay; an unknown language is the configured."""
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "code.sms.txt").write_text("번호 $code", encoding="utf-8")
    templates = load_templates(tmp_path)
    values = {name: VALUES[name] for name in PARAMETERS[MessageKind.CODE]}
    own = templates.language("ja", "ko").write(MessageKind.CODE, Channel.SMS, values)
    assert own.body == "번호 042917\n"
    mail = templates.language("ko", "ko").write(MessageKind.CODE, Channel.EMAIL, values)
    assert "042917" in mail.body
    assert templates.languages == ["en", "ko"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("ko/code.sms.txt", "$secret", r"\$secret is not filled in; there are \$bank"),
        ("ko/code.sms.txt", "100$", "a \\$ is followed by no name"),
        ("ko/code.mail.txt", "no subject", 'begin with a line "Subject: …"'),
        ("ko/code.mail.txt", "Subject: x\n\n", "begin with a line"),
        ("ko/cod.sms.txt", "x", "cod.sms.txt is no template"),
        ("ko/words.toml", "reason = 1", r"must be TOML with a table \[reason\]"),
        ("ja/code.sms.txt", "$code", "is missing: a language needs every template"),
    ],
)
def test_a_wrong_template_is_named(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    """Before anything is sent, with file and fault."""
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BootError, match=complaint) as refused:
        load_templates(tmp_path)
    assert str(path.parent) in refused.value.message


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A typing error in the configuration does not mean the shipped texts."""
    with pytest.raises(BootError, match="there is no such directory"):
        load_templates(tmp_path / "templates")
