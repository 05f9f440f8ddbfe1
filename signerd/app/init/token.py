"""The tokens a new daemon needs: the authority's and the first of the pool."""

from collections.abc import Iterable

from signerd.app.layout import latch_directory
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import SignerdError
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import TokenRecord
from signerd.core.value import TokenRef
from signerd.tokens.export_probe import probe_export
from signerd.tokens.module import Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.provision import create_soft_token
from signerd.tokens.resolve import secret_reader, token_specs
from signerd.tokens.session import TokenSession
from signerd.tokens.token_set import TokenSet, require_boot_tokens
from signerd.tokens.token_spec import TokenSpec, unreported


def open_tokens(settings: Settings) -> TokenSet:
    """Load the module in this process and open the tokens that the settings name; what does not
    open is in problems(). Raises BootError (TOKEN_MISSING) when the module does not load."""
    state = settings.server.state_directory
    latches = latch_directory(state)
    latches.mkdir(mode=0o700, exist_ok=True)
    module = Pkcs11Module(
        settings.tokens.module, settings.tokens.environment, lock_directory=latches
    )
    tokens = TokenSet(module, token_specs(settings.tokens), PinLatch(latches), unreported)
    try:
        tokens.open_all()
    except SignerdError as error:
        raise BootError(ExitCode.TOKEN_MISSING, error.message) from error
    return tokens


def provide_tokens(settings: Settings, known: Iterable[TokenRecord]) -> tuple[TokenSet, list[str]]:
    """Open the tokens, after making those that are missing where signerd may make tokens.

    known: the tokens in the store; an empty token takes the place of none of them. Returns the
    tokens and the labels of those made. Raises BootError (TOKEN_MISSING, PIN_REFUSED) naming what
    an operator has to do.
    """
    tokens = open_tokens(settings)
    made = []
    for spec in token_specs(settings.tokens):
        if tokens.open_tokens(spec.purpose) or _has_problem(tokens, spec.purpose):
            continue
        _require_unused(spec.purpose, known)
        made.append(_make(settings, tokens, spec).label)
    if made:
        tokens.open_all()
    require_boot_tokens(tokens)
    return tokens, made


def authority_token(tokens: TokenSet) -> TokenRef:
    """The token of the CA's keys."""
    return tokens.open_tokens(TokenPurpose.AUTHORITY)[0]


def _has_problem(tokens: TokenSet, purpose: TokenPurpose) -> bool:
    return any(its is purpose for _, its, _ in tokens.problems())


def _require_unused(purpose: TokenPurpose, known: Iterable[TokenRecord]) -> None:
    """A token that is gone took its keys along: a new one under its name would hide that."""
    for record in known:
        if record.purpose is not purpose:
            continue
        if purpose is TokenPurpose.AUTHORITY or record.key_count:
            whose = "the CA's" if purpose is TokenPurpose.AUTHORITY else "subscribers'"
            raise BootError(
                ExitCode.TOKEN_MISSING,
                f"token {record.token}, which holds {whose} keys, is not there: bring it back or "
                "restore it from its backup; for a new CA make a new state directory",
            )


def _make(settings: Settings, tokens: TokenSet, spec: TokenSpec) -> TokenRef:
    subscribers = settings.tokens.subscribers
    label = f"{spec.label}1" if spec.is_prefix else spec.label
    if not subscribers.grow:
        raise BootError(
            ExitCode.TOKEN_MISSING,
            f"there is no token labelled {label}: make it with the token's own tool, or let "
            "signerd make tokens with tokens.subscribers.grow and so_pin_source",
        )
    try:
        return create_soft_token(
            tokens.module,
            label=label,
            pin=spec.pin(),
            so_pin=secret_reader(subscribers.so_pin_source)(),
        )
    except SignerdError as error:
        raise BootError(ExitCode.TOKEN_MISSING, error.message) from error


def require_no_export(session: TokenSession) -> None:
    """Try to get a throwaway key out by every way of PKCS#11, because attributes prove nothing.

    Raises BootError (TOKEN_MISSING) for a token that lets it go.
    """
    leaks = [attempt for attempt in probe_export(session) if not attempt.refused]
    if leaks:
        raise BootError(
            ExitCode.TOKEN_MISSING,
            f"token {session.ref} lets private keys go ({leaks[0].way}: {leaks[0].detail}); "
            "use a token, or a mode of it, that does not",
        )
