"""The steps of `signerd init`, in order; each does nothing where its work is done already."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from signerd.app.init.hierarchy import HierarchyMaker
from signerd.app.init.soft_token import find_module, write_soft_hsm
from signerd.app.init.state_file import (
    CLIENT_URI,
    ROLES,
    Addresses,
    write_profiles,
    write_state_files,
)
from signerd.app.init.tls_identity import TlsDirectory, TlsIssuer
from signerd.app.init.token import provide_tokens
from signerd.config.address import parse_listen_address
from signerd.config.load import load_settings
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock
from signerd.core.record import TokenRecord
from signerd.store.database import Database
from signerd.store.migration import migrate
from signerd.store.token_registry import SqlTokenRegistry
from signerd.tokens.token_set import TokenSet

Say = Callable[[str], None]


def init_embedded(state: Path, addresses: Addresses, clock: Clock, say: Say) -> Path:
    """Make a state directory with a SoftHSM of its own; returns its configuration file."""
    state = state.absolute()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BootError(ExitCode.CONFIG_INVALID, f"cannot make {state}: {error.strerror}") from None
    write_soft_hsm(state)
    for name in write_state_files(state, find_module(), addresses):
        say(f"wrote {name}")
    config = state / "signerd.toml"
    # The TLS key is checked with the rest of the configuration, so it has to be there first.
    _write_tls(state / "tls", addresses.listen, clock, say)
    init_configured(config, clock, say)
    return config


def init_configured(config: Path, clock: Clock, say: Say) -> None:
    """Make what an existing configuration lacks: tokens, database, the daemon's own keys."""
    settings = load_settings(config)
    state = settings.server.state_directory
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in write_profiles(settings.policy.profiles):
        say(f"wrote {name}")
    migrate(settings.store.url)
    tokens, made = provide_tokens(settings, asyncio.run(_known_tokens(settings, clock)))
    for label in made:
        say(f"made token {label}")
    asyncio.run(_fill(settings, tokens, clock, say))
    say(f"ready: signerd serve --config {os.path.relpath(config)}")


async def _known_tokens(settings: Settings, clock: Clock) -> list[TokenRecord]:
    database = Database(settings.store.url, chain="", clock=clock)
    await database.start()
    try:
        return await SqlTokenRegistry(database).list_tokens()
    finally:
        await database.close()


async def _fill(settings: Settings, tokens: TokenSet, clock: Clock, say: Say) -> None:
    database = Database(settings.store.url, chain=f"{settings.server.node}/init", clock=clock)
    await database.start()
    try:
        maker = HierarchyMaker(settings, tokens, database, clock)
        if await maker.provide():
            say(
                "made the keys of root CA, issuing CA, OCSP signer, time-stamping authority and "
                "audit signer on the authority token"
            )
            say("made the probe, seal and index key on the authority token")
        await maker.register_tokens()
    finally:
        await database.close()


def _write_tls(directory: Path, listen: str, clock: Clock, say: Say) -> None:
    layout = TlsDirectory(directory)
    issuer = TlsIssuer(layout, clock)
    host = _host_of(listen)
    if issuer.make_server(directory / "server.pem", directory / "server.key", host):
        say("made the TLS identity of the server")
    for role in ROLES:
        if issuer.make_client(role, CLIENT_URI + role):
            say(f"made the TLS identity of the client {role}")


def _host_of(listen: str) -> str:
    try:
        return parse_listen_address(listen).host
    except ValueError as error:
        raise BootError(ExitCode.CONFIG_INVALID, f"--listen {listen}: {error}") from None
