"""From the settings to the tokens they name."""

from collections.abc import Callable
from pathlib import Path

from signerd.config.pkcs11_uri import Pkcs11Uri, parse_pkcs11_uri
from signerd.config.secret_source import read_secret
from signerd.config.settings import TokensSettings
from signerd.core.boot import BootError, ExitCode
from signerd.core.lifecycle import TokenPurpose
from signerd.tokens.token_spec import TokenSpec


def token_specs(settings: TokensSettings) -> tuple[TokenSpec, TokenSpec]:
    """The authority token and the pool. Paths in the settings must be absolute.

    The PIN sources are read once, so that a missing one is told at start. Raises BootError
    (CONFIG_INVALID).
    """
    authority = _spec(TokenPurpose.AUTHORITY, "authority", settings.authority.uri)
    pool = _spec(TokenPurpose.SUBSCRIBER, "subscribers", settings.subscribers.uri)
    return authority, pool


def secret_reader(source: str) -> Callable[[], str]:
    """Reads a secret anew each time. Raises BootError (CONFIG_INVALID) at once and later."""

    def read() -> str:
        return read_secret(source, Path("/")).reveal()

    read()
    return read


def _spec(purpose: TokenPurpose, section: str, text: str) -> TokenSpec:
    uri = _parse(section, text)
    if uri.pin_source is None:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"tokens.{section}.uri: add ?pin-source=file:/path or ?pin-source=env:NAME",
        )
    is_prefix = purpose is TokenPurpose.SUBSCRIBER
    return TokenSpec(purpose, uri.token, uri.serial, is_prefix, secret_reader(uri.pin_source))


def _parse(section: str, text: str) -> Pkcs11Uri:
    try:
        return parse_pkcs11_uri(text)
    except ValueError as error:
        raise BootError(ExitCode.CONFIG_INVALID, f"tokens.{section}.uri: {error}") from None
