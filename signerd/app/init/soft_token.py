"""The embedded default: SoftHSM in the state directory."""

import os
import secrets
from pathlib import Path

from signerd.core.boot import BootError, ExitCode

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
)
AUTHORITY_LABEL = "signerd-authority"
SUBSCRIBER_PREFIX = "signerd-subscribers-"
_PIN_DIGITS = 12


def find_module() -> Path:
    """The SoftHSM library of the machine. Raises BootError (TOKEN_MISSING)."""
    for path in MODULES:
        if path.exists():
            return path
    raise BootError(
        ExitCode.TOKEN_MISSING,
        "SoftHSM is not installed: run `apt-get install softhsm2`, or give a configuration file "
        "for another PKCS#11 module with --config",
    )


def write_soft_hsm(state: Path) -> None:
    """Configuration, token directory and PINs of a SoftHSM of its own; keeps what is there."""
    tokens, pins = state / "softhsm", state / "secrets"
    for directory in (tokens, pins):
        directory.mkdir(mode=0o700, exist_ok=True)
    config = state / "softhsm2.conf"
    if not config.exists():
        config.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
    for name in ("user.pin", "so.pin"):
        write_secret(pins / name, new_pin())


def new_pin() -> str:
    """A random PIN of digits, which every token takes."""
    return "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, unless it is there."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(fd, "w") as file:
        file.write(text + "\n")
