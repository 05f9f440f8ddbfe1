"""Profile files: reading a directory of them, and the ones that come with the daemon."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from signerd.core.boot import BootError, ExitCode
from signerd.pki.profile import Profile
from signerd.pki.profile_settings import ProfileSettings

_PUBLISHER: Final = "{publisher}"
_SHIPPED: Final = resources.files("signerd.pki") / "profiles"


class ProfileError(ValueError):
    """What is wrong with a profile file; each problem begins with the key at fault, if any."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load_profiles(directory: Path, *, publisher_url: str = "") -> dict[str, Profile]:
    """The profiles of all *.toml files by name; the file is named like the profile.

    publisher_url: stands in the files as {publisher}, where relying parties find CRL and OCSP.
    Raises BootError (CONFIG_INVALID) naming file and key.
    """
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise _broken(directory, f"cannot be read: {error.strerror}") from error
    if not paths:
        raise _broken(directory, "holds no profile (*.toml); copy or write one")
    profiles = [load_profile(path, publisher_url=publisher_url) for path in paths]
    return {profile.name: profile for profile in profiles}


def load_profile(path: Path, *, publisher_url: str = "") -> Profile:
    """The profile of one file. Raises BootError (CONFIG_INVALID) naming file and key."""
    try:
        return read_profile(path, publisher_url=publisher_url)
    except ProfileError as error:
        raise _broken(path, error.problems[0]) from error


def read_profile(path: Path, *, publisher_url: str) -> Profile:
    """As load_profile, for whoever wants to know everything that is wrong: raises ProfileError."""
    try:
        text = path.read_text("utf-8").replace(_PUBLISHER, publisher_url)
        settings = ProfileSettings.model_validate(tomllib.loads(text))
    except OSError as error:
        raise ProfileError(f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"is not TOML: {error}") from error
    except ValidationError as error:
        raise ProfileError(*map(_problem, error.errors())) from error
    if settings.name != path.stem:
        raise ProfileError(f'name: is "{settings.name}"; name file and profile alike')
    return settings.profile()


def shipped_profiles() -> dict[str, bytes]:
    """The files that come with the daemon, by file name, for copying into a state directory."""
    return {
        entry.name: entry.read_bytes()
        for entry in sorted(_SHIPPED.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


@cache
def service_profile(name: str) -> Profile:
    """A shipped profile of the daemon's own keys: "ocsp-signer", "time-stamping" or
    "audit-signer".

    These are not copied into state directories, so that nobody is issued such a certificate unless
    the operator puts a file of the kind among the profiles. Raises BootError (CONFIG_INVALID).
    """
    with resources.as_file(_SHIPPED / "service" / f"{name}.toml") as path:
        return load_profile(path)


def _problem(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "profile"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; check its spelling"
    return f"{key}: {error['msg']}"


def _broken(path: Path, problem: str) -> BootError:
    return BootError(ExitCode.CONFIG_INVALID, f"{path}: {problem}")
