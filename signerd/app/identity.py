"""How identities are checked, as the configuration says: the rules, and who verifies documents."""

import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signerd.config.secret_source import read_secret
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.identity.document import DocumentVerifier
from signerd.identity.file_document_verifier import FileDocumentVerifier
from signerd.identity.load import IdentityRules, load_identity

if TYPE_CHECKING:
    from signerd.identity.http_document_verifier import HttpDocumentVerifier

FILE: Final = "file:"
"""How a verifier begins that is a file."""


def identity_rules(settings: Settings) -> IdentityRules:
    """From the file, or the defaults. Raises BootError (CONFIG_INVALID)."""
    rules = settings.identity.rules
    return IdentityRules() if rules is None else load_identity(rules)


def check_identity(settings: Settings) -> None:
    """Whether a front could check identities. Raises BootError (CONFIG_INVALID)."""
    identity_rules(settings)
    if _is_service(settings):
        _service(settings)


async def open_document_verifier(
    settings: Settings, stack: AsyncExitStack
) -> DocumentVerifier | None:
    """As configured; None where nothing is. stack: closes it. Raises BootError (CONFIG_INVALID) for
    a URL that cannot be asked, and a secret or a CA file that cannot be read."""
    where = settings.identity.document_verifier
    if _is_service(settings):
        return await stack.enter_async_context(_service(settings))
    return FileDocumentVerifier(Path(where.removeprefix(FILE))) if where else None


def _is_service(settings: Settings) -> bool:
    where = settings.identity.document_verifier
    return bool(where) and not where.startswith(FILE)


def _service(settings: Settings) -> "HttpDocumentVerifier":
    # Only where there is a service: an HTTP client is much to load.
    from signerd.identity.http_document_verifier import HttpDocumentVerifier  # noqa: PLC0415

    identity = settings.identity
    source = identity.document_authorization_source
    try:
        return HttpDocumentVerifier(
            identity.document_verifier,
            timeout_s=identity.document_timeout_s,
            tls=_trust(identity.document_ca_file),
            authorization=read_secret(source) if source else None,
        )
    except ValueError as error:
        raise BootError(ExitCode.CONFIG_INVALID, f"identity.document_verifier: {error}") from None


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"identity.document_ca_file: {ca_file} is no file of CA certificates in PEM",
        ) from None
