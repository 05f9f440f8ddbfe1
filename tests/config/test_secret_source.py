"""Secrets: where they are read from and that they are never shown."""

import copy
import pickle
from pathlib import Path

import pytest

from signerd.config.secret_source import Secret, absolute_source, read_secret
from signerd.core.boot import BootError, ExitCode


def _write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_reads_a_file_however_it_is_named(tmp_path: Path) -> None:
    """file: URI, plain path and path relative to base give the same secret."""
    path = _write(tmp_path / "pin", b"1234\n")

    for source in (f"file:{path}", f"file://{path}", str(path), "pin", "file:pin"):
        assert read_secret(source, tmp_path).reveal() == "1234"


def test_reads_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """env:NAME gives the value of the variable."""
    monkeypatch.setenv("SIGNERD_TEST_PIN", "비밀 1234")

    assert read_secret("env:SIGNERD_TEST_PIN").reveal() == "비밀 1234"


def test_strips_one_trailing_newline_only(tmp_path: Path) -> None:
    """What an editor adds is taken off, blanks that belong to the secret stay."""
    path = _write(tmp_path / "pin", b" 12 34 \r\n")

    assert read_secret(str(path)).reveal() == " 12 34 "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A secret other users can read or replace is not used, and chmod is named."""
    path = _write(tmp_path / "pin", b"1234\n", mode)

    with pytest.raises(BootError, match=f"chmod 600 {path}") as caught:
        read_secret(str(path))

    assert caught.value.code is ExitCode.CONFIG_INVALID


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("env:SIGNERD_NOT_SET", "SIGNERD_NOT_SET is not set"),
        ("env:", "needs the name"),
        ("file:", "use file:/path"),
        ("", "use file:/path"),
        ("|/bin/cat", "a program as source"),
        ("vault:secret/pin", "vault: is not a known source"),
        ("file://host/pin", "with a host is not supported"),
        ("absent", "absent cannot be read: No such file"),
        ("empty", "empty secret"),
        ("binary", "not UTF-8"),
        ("long", "longer than 4096 bytes"),
    ],
)
def test_mistakes_name_the_source(tmp_path: Path, source: str, words: str) -> None:
    """Each failure says which source and what is wrong with it."""
    _write(tmp_path / "empty", b"\n")
    _write(tmp_path / "binary", b"\xff\xfe")
    _write(tmp_path / "long", b"x" * 5000)

    with pytest.raises(BootError) as caught:
        read_secret(source, tmp_path)

    assert words in caught.value.message
    assert caught.value.code is ExitCode.CONFIG_INVALID


def test_a_relative_source_without_base_is_refused() -> None:
    """Nobody guesses which directory was meant."""
    with pytest.raises(BootError, match="must be absolute"):
        read_secret("pin")


def test_absolute_source_keeps_the_kind(tmp_path: Path) -> None:
    """Relative files become absolute, environment variables stay."""
    assert absolute_source("file:pin", tmp_path) == f"file:{tmp_path}/pin"
    assert absolute_source("env:PIN", tmp_path) == "env:PIN"


def test_a_secret_is_not_shown() -> None:
    """No way of printing a secret shows it, alone or inside a container."""
    secret = Secret("s3cr3t")

    shown = f"{secret} {secret!r} {[secret]} {secret!s:>20}"

    assert "s3cr3t" not in shown


def test_a_secret_is_not_serialised_or_hashed() -> None:
    """A secret does not travel by pickle or copy and is no dictionary key."""
    secret = Secret("s3cr3t")

    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="not serialised"):
        copy.copy(secret)
    with pytest.raises(TypeError, match="unhashable"):
        hash(secret)


def test_secrets_compare_by_content() -> None:
    """Equal secrets are equal and a secret is never equal to its bare text."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
