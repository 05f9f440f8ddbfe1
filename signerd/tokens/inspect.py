"""What `signerd doctor` wants to know of module, tokens and keys, without a PIN being tried."""

from dataclasses import dataclass

from pkcs11 import Attribute, Object, PKCS11Error, TokenFlag

from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import KeyOrigin
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens.key_template import (
    excess_secret_uses,
    excess_uses,
    read_flag,
    read_origin,
)
from signerd.tokens.login import pin_obstacle
from signerd.tokens.mechanism import generate_spec_of, sign_spec_of
from signerd.tokens.module import FoundToken, Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.secret_key import secret_spec_of
from signerd.tokens.session import TokenSession
from signerd.tokens.token_spec import TokenSpec


@dataclass(frozen=True, slots=True)
class TokenInspection:
    """One token.

    flags: set CKF flags by name. pin_problem: why its PIN would not be tried, "" when it would.
    missing: algorithms for which it lacks a mechanism, with the names of those mechanisms.
    """

    token: TokenRef
    purpose: TokenPurpose
    flags: tuple[str, ...]
    pin_problem: str
    missing: dict[KeyAlgorithm, tuple[str, ...]]

    @property
    def algorithms(self) -> tuple[KeyAlgorithm, ...]:
        """Algorithms it has all mechanisms for."""
        return tuple(it for it in KeyAlgorithm if it not in self.missing)


@dataclass(frozen=True, slots=True)
class ModuleInspection:
    """The module and those of its tokens that the configuration names."""

    description: str
    tokens: tuple[TokenInspection, ...]
    unused: tuple[TokenRef, ...]


@dataclass(frozen=True, slots=True)
class KeyInspection:
    """Attributes of a private or secret key; None where the token does not tell.

    excess_uses: what it may do besides what it is for.
    """

    key: KeyRef
    sensitive: bool | None
    extractable: bool | None
    origin: KeyOrigin
    excess_uses: tuple[str, ...]

    @property
    def is_protected(self) -> bool:
        """True when it is sensitive, not extractable, and for its purpose only."""
        return self.sensitive is True and self.extractable is False and not self.excess_uses


def inspect_module(
    module: Pkcs11Module, specs: tuple[TokenSpec, ...], latch: PinLatch
) -> ModuleInspection:
    """Load the module and look at its tokens; nothing is logged in. Raises SessionLost."""
    with module.start_lock():
        module.reload()
        found = module.tokens()
    tokens, unused = [], []
    for it in found:
        spec = next((spec for spec in specs if spec.matches(it.ref)), None)
        if spec is None:
            unused.append(it.ref)
        else:
            tokens.append(_inspect_token(it, spec, latch))
    return ModuleInspection(module.description, tuple(tokens), tuple(unused))


def inspect_key(session: TokenSession, key: KeyRef) -> KeyInspection:
    """Read a key's attributes. Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY),
    SessionLost."""
    private = session.find_private(key.cka_id)
    return _inspection(key, private, excess_uses(private))


def inspect_secret(session: TokenSession, key: KeyRef, algorithm: SecretAlgorithm) -> KeyInspection:
    """The same of a secret key."""
    secret = session.secrets.find(key.cka_id)
    uses = secret_spec_of(algorithm).uses
    return _inspection(key, secret, excess_secret_uses(secret, uses))


def _inspection(key: KeyRef, found: Object, excess: tuple[str, ...]) -> KeyInspection:
    return KeyInspection(
        key,
        sensitive=read_flag(found, Attribute.SENSITIVE),
        extractable=read_flag(found, Attribute.EXTRACTABLE),
        origin=read_origin(found),
        excess_uses=excess,
    )


def _inspect_token(found: FoundToken, spec: TokenSpec, latch: PinLatch) -> TokenInspection:
    problem = pin_obstacle(found.token.flags)
    if latch.is_set(found.ref.serial):
        problem = "the PIN was refused earlier; correct its source, run `signerd clear-latch`"
    return TokenInspection(
        found.ref,
        spec.purpose,
        tuple(flag.name for flag in TokenFlag if flag & found.token.flags and flag.name),
        problem,
        _missing(found),
    )


def _missing(found: FoundToken) -> dict[KeyAlgorithm, tuple[str, ...]]:
    try:
        there = set(found.token.slot.get_mechanisms())
    except PKCS11Error:
        there = set()
    missing = {}
    for algorithm in KeyAlgorithm:
        needed = (generate_spec_of(algorithm).mechanism, sign_spec_of(algorithm).mechanism)
        lacking = tuple(f"CKM_{it.name}" for it in needed if it not in there)
        if lacking:
            missing[algorithm] = lacking
    return missing
