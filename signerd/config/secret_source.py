"""PINs and other secrets, read from where the configuration says they are."""

import hmac
import os
import stat
from pathlib import Path
from typing import Final

from signerd.core.boot import BootError, ExitCode

_MOST_BYTES: Final = 4096
_OTHERS: Final = 0o077


class Secret:
    """A secret that no print, log line or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the call that needs it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """In a time that does not tell how much of it matches."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would give equality away

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


def secret_path(source: str, base: Path | None = None) -> Path | None:
    """The file a source names, made absolute against base; None for an environment variable.

    Raises ValueError saying what is wrong with the source.
    """
    kind, colon, rest = source.partition(":")
    if source.startswith("|"):
        raise ValueError("a program as source of a secret is not supported")
    if colon and kind == "env":
        if not rest:
            raise ValueError("env: needs the name of an environment variable")
        return None
    if colon and kind == "file":
        source = rest.removeprefix("//") if rest.startswith("///") else rest
        if source.startswith("//"):
            raise ValueError("a file: URI with a host is not supported; use file:/path")
    elif colon and kind.isalpha():
        raise ValueError(f"{kind}: is not a known source; use file:/path or env:NAME")
    if not source:
        raise ValueError("use file:/path or env:NAME")
    path = Path(source)
    if path.is_absolute():
        return path
    if base is None:
        raise ValueError("the path must be absolute")
    return base.absolute() / path


def absolute_source(source: str, base: Path) -> str:
    """The same source, its path absolute. Raises ValueError."""
    path = secret_path(source, base)
    return source if path is None else f"file:{path}"


def permission_problem(path: Path) -> str:
    """What is wrong with the permissions of a secret file; "" when nothing or it is absent."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    if mode & _OTHERS:
        return f"{path} is open to other users (mode {mode:04o}); run: chmod 600 {path}"
    return ""


def read_secret(source: str, base: Path | None = None) -> Secret:
    """Read a secret from `file:/path`, a plain path or `env:NAME`, less one trailing newline.

    base: directory of relative paths. Raises BootError (CONFIG_INVALID) that names the source
    and never the content.
    """
    try:
        path = secret_path(source, base)
    except ValueError as error:
        raise _invalid(f"source of a secret: {error}") from None
    text = _from_environment(source) if path is None else _from_file(path)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _invalid(f"{source} holds an empty secret")
    return Secret(text)


def _from_environment(source: str) -> str:
    name = source.removeprefix("env:")
    value = os.environ.get(name)
    if value is None:
        raise _invalid(f"the environment variable {name} is not set; a secret is expected in it")
    return value


def _from_file(path: Path) -> str:
    if problem := permission_problem(path):
        raise _invalid(problem)
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _invalid(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise _invalid(f"{path} is longer than {_MOST_BYTES} bytes; it should hold one secret")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _invalid(f"{path} is not UTF-8 text") from None


def _invalid(message: str) -> BootError:
    return BootError(ExitCode.CONFIG_INVALID, message)
