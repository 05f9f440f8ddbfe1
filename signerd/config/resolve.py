"""Relative paths of the configuration made absolute."""

from pathlib import Path
from typing import Final

from signerd.config.outbox_settings import OutboxSettings
from signerd.config.pkcs11_uri import parse_pkcs11_uri
from signerd.config.secret_source import absolute_source
from signerd.config.settings import IdentitySettings, Settings, StoreSettings, TokensSettings

_FILE: Final = "file:"


def resolve_paths(settings: Settings, base: Path) -> Settings:
    """The same settings with every path absolute.

    base: absolute directory of the configuration file. A relative SQLite file lies under the
    state directory.
    """
    state = base / settings.server.state_directory
    faults = settings.test.fault_directory
    return settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"state_directory": state}),
            "tls": settings.tls.model_copy(
                update={
                    "certificate": base / settings.tls.certificate,
                    "key": base / settings.tls.key,
                    "client_ca": base / settings.tls.client_ca,
                }
            ),
            "tokens": _tokens(settings.tokens, base),
            "store": _store(settings.store, state),
            "audit": settings.audit.model_copy(
                update={"checkpoint_file": state / settings.audit.checkpoint_file}
            ),
            "policy": settings.policy.model_copy(
                update={
                    "file": base / settings.policy.file,
                    "profiles": base / settings.policy.profiles,
                }
            ),
            "identity": _identity(settings.identity, base),
            "outbox": _outbox(settings.outbox, base),
            "test": settings.test.model_copy(
                update={"fault_directory": None if faults is None else base / faults}
            ),
        }
    )


def _tokens(tokens: TokensSettings, base: Path) -> TokensSettings:
    so_pin_source = tokens.subscribers.so_pin_source
    return tokens.model_copy(
        update={
            "module": base / tokens.module,
            "environment": {
                name: f"{base / value}" if value.startswith("./") else value
                for name, value in tokens.environment.items()
            },
            "authority": tokens.authority.model_copy(
                update={"uri": _uri(tokens.authority.uri, base)}
            ),
            "subscribers": tokens.subscribers.model_copy(
                update={
                    "uri": _uri(tokens.subscribers.uri, base),
                    "so_pin_source": so_pin_source and absolute_source(so_pin_source, base),
                }
            ),
        }
    )


def _identity(identity: IdentitySettings, base: Path) -> IdentitySettings:
    verifier = identity.document_verifier
    if verifier.startswith(_FILE):
        verifier = f"{_FILE}{base / verifier.removeprefix(_FILE)}"
    authorization = identity.document_authorization_source
    return identity.model_copy(
        update={
            "rules": identity.rules and base / identity.rules,
            "document_verifier": verifier,
            "document_authorization_source": authorization and absolute_source(authorization, base),
            "document_ca_file": identity.document_ca_file and base / identity.document_ca_file,
        }
    )


def _outbox(outbox: OutboxSettings, base: Path) -> OutboxSettings:
    smtp, webhook = outbox.smtp, outbox.webhook
    password, secret = smtp.password_source, webhook.secret_source
    return outbox.model_copy(
        update={
            "templates": outbox.templates and base / outbox.templates,
            "smtp": smtp.model_copy(
                update={
                    "password_source": password and absolute_source(password, base),
                    "ca_file": smtp.ca_file and base / smtp.ca_file,
                }
            ),
            "webhook": webhook.model_copy(
                update={
                    "secret_source": secret and absolute_source(secret, base),
                    "ca_file": webhook.ca_file and base / webhook.ca_file,
                }
            ),
        }
    )


def _uri(text: str, base: Path) -> str:
    uri = parse_pkcs11_uri(text)
    if uri.pin_source is None:
        return text
    return str(uri.with_pin_source(absolute_source(uri.pin_source, base)))


def _store(store: StoreSettings, state: Path) -> StoreSettings:
    scheme, separator, file = store.url.partition(":///")
    if not scheme.startswith("sqlite") or not separator or file.startswith("/"):
        return store
    return store.model_copy(update={"url": f"{scheme}:///{state / file}"})
