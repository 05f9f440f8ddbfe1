"""Options of the run, and what they come to."""

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_signerd.bank import Terms
    from signerd_client import Target

_SEEDS = 1_000_000


def add_options(parser: pytest.Parser) -> None:
    """Command line and configuration file."""
    group = parser.getgroup("signerd", "certificates from a signerd daemon")
    group.addoption(
        "--signerd-target",
        metavar="HOST:PORT",
        help="use this daemon instead of a private one",
    )
    group.addoption(
        "--signerd-tls",
        metavar="DIR",
        type=Path,
        help="for --signerd-target: directory with ca.pem and clients/NAME.pem, clients/NAME.key of"
        " the identities, as `signerd init` makes it",
    )
    group.addoption(
        "--signerd-seed",
        metavar="N",
        type=int,
        help="which customers there are (0 to 999999); 0 for a private daemon, otherwise chosen"
        " anew for each run",
    )
    parser.addini("signerd_profile", "profile of certificates", default="npki-personal-banking")
    parser.addini(
        "signerd_key_algorithm", "algorithm of their keys", default="RSA_2048_PKCS1_SHA256"
    )
    parser.addini(
        "signerd_settings",
        "configuration of the private daemon: lines such as publisher.enabled = true",
        type="linelist",
        default=[],
    )


@dataclass(frozen=True, slots=True)
class ExistingDaemon:
    """A daemon that was there before, at --signerd-target."""

    address: str
    tls: Path
    publisher_url: str = ""

    def target(self, identity: str) -> "Target":
        """Its address, with a client identity of the directory."""
        from signerd_client import Target  # noqa: PLC0415 - only runs that need it load gRPC

        clients = self.tls / "clients"
        return Target.tls(
            self.address,
            ca=self.tls / "ca.pem",
            certificate=clients / f"{identity}.pem",
            key=clients / f"{identity}.key",
        )


def existing_daemon(config: pytest.Config) -> ExistingDaemon | None:
    """The daemon to use, unless it is a private one. Raises pytest.UsageError."""
    address, tls = config.getoption("--signerd-target"), config.getoption("--signerd-tls")
    if not address:
        return None
    if tls is None:
        raise pytest.UsageError(
            f"--signerd-target {address} is reached over mutual TLS: give --signerd-tls, the"
            " directory of ca.pem and of the client identities"
        )
    return ExistingDaemon(address, tls.absolute())


def chosen_seed(config: pytest.Config) -> int:
    """The seed of the run; of an existing daemon, whose customers stay, a new one each time.
    Raises pytest.UsageError."""
    given: int | None = config.getoption("--signerd-seed")
    if given is None:
        return random.SystemRandom().randrange(_SEEDS) if existing_daemon(config) else 0
    if not 0 <= given < _SEEDS:
        raise pytest.UsageError(f"--signerd-seed is 0 to {_SEEDS - 1}, not {given}")
    return given


def daemon_settings(config: pytest.Config) -> Mapping[str, str]:
    """Keys of the daemon's configuration and their values as TOML. Raises pytest.UsageError."""
    settings = {}
    for line in config.getini("signerd_settings"):
        name, equals, value = line.partition("=")
        if not equals or "." not in name:
            raise pytest.UsageError(
                f"signerd_settings: {line!r} is not of the form section.key = value"
            )
        settings[name.strip()] = value.strip()
    return settings


def terms(config: pytest.Config) -> "Terms":
    """How certificates are issued. Raises pytest.UsageError."""
    from pytest_signerd.bank import Terms  # noqa: PLC0415 - only runs that need it load gRPC
    from signerd_client import KeyAlgorithm  # noqa: PLC0415 - likewise

    name = config.getini("signerd_key_algorithm")
    if name not in KeyAlgorithm.__members__:
        raise pytest.UsageError(
            f"signerd_key_algorithm: {name!r} is none of {', '.join(KeyAlgorithm)}"
        )
    return Terms(config.getini("signerd_profile"), KeyAlgorithm(name))


def require_daemon() -> None:
    """Fail the test with what to install where the daemon's part is missing."""
    if not Path(sys.executable).with_name("signerd").exists():
        pytest.fail(
            "there is no `signerd` command beside this Python: pip install 'signerd[testing]', or"
            " name a running daemon with --signerd-target",
            pytrace=False,
        )
