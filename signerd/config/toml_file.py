"""TOML files with errors that name the file."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from signerd.core.boot import BootError, ExitCode


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file. Raises BootError (CONFIG_INVALID), with the line for a syntax error."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise invalid_file(path, ["no such file"]) from None
    except OSError as error:
        raise invalid_file(path, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise invalid_file(path, [f"is not UTF-8 text (byte {error.start})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise invalid_file(path, [f"is not TOML: {error}"]) from None


def invalid_file(path: Path, problems: Iterable[str]) -> BootError:
    """The error for a file with these problems, a line each."""
    lines = "\n".join(f"{path}: {problem}" for problem in problems)
    return BootError(ExitCode.CONFIG_INVALID, lines)
