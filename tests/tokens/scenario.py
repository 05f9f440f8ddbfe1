"""What tests do with PKCS#11 itself, in a process of its own: module and tokens are per process."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass

from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import GeneratedKey, KeyOrigin, TokenKey
from signerd.core.value import KeyRef, TokenRef
from signerd.tokens import provision
from signerd.tokens.export_probe import ExportAttempt, _probe, probe_existing, probe_export
from signerd.tokens.inspect import (
    KeyInspection,
    ModuleInspection,
    inspect_key,
    inspect_module,
    inspect_secret,
)
from signerd.tokens.key_template import secret_template
from signerd.tokens.module import Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.provision import create_soft_token
from signerd.tokens.secret_key import secret_spec_of
from signerd.tokens.session import TokenSession
from signerd.tokens.token_set import TokenSet
from signerd.tokens.token_spec import TokenSpec
from tests.tokens.soft_hsm import MODULE, PIN, SO_PIN

P = ParamSpec("P")
T = TypeVar("T")
LABEL = "pool-1"


def in_child(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function of this module in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(act, *args, **kwargs).result(timeout=120)


def pool_spec() -> TokenSpec:
    """The subscriber pool as the tests' settings name it."""
    return TokenSpec(TokenPurpose.SUBSCRIBER, "pool-", None, is_prefix=True, pin=lambda: PIN)


def load(directory: Path) -> Pkcs11Module:
    """SoftHSM with the configuration of a test."""
    return Pkcs11Module(MODULE, {"SOFTHSM2_CONF": str(directory / "softhsm2.conf")})


def opened(directory: Path) -> TokenSession:
    """The session of pool-1."""
    tokens = TokenSet(load(directory), (pool_spec(),), PinLatch(directory / "latch"))
    tokens.open_all()
    (ref,) = (it for it in tokens.open_tokens() if it.label == LABEL)
    return tokens.session_of(ref)


def opened_authority(directory: Path) -> TokenSession:
    """The session of the authority token."""
    spec = TokenSpec(TokenPurpose.AUTHORITY, "authority", None, is_prefix=False, pin=lambda: PIN)
    tokens = TokenSet(load(directory), (spec,), PinLatch(directory / "latch"))
    tokens.open_all()
    (ref,) = tokens.open_tokens()
    return tokens.session_of(ref)


def create_tokens(directory: Path, labels: Sequence[str]) -> list[TokenRef]:
    """Make tokens through PKCS#11."""
    module = load(directory)
    return [create_soft_token(module, label=it, pin=PIN, so_pin=SO_PIN) for it in labels]


def create_half(directory: Path, label: str) -> TokenRef:
    """C_InitToken without C_InitPIN, as a crash in between leaves it."""
    module = load(directory)
    module.reload()
    return provision._initialise(module, label, SO_PIN).ref


def generate(
    directory: Path, cka_id: bytes, algorithm: KeyAlgorithm, times: int
) -> tuple[list[GeneratedKey], list[TokenKey], KeyInspection, int]:
    """Make a key under the same CKA_ID several times over; at last destroy it."""
    session = opened(directory)
    made = [session.generate_key(cka_id, algorithm) for _ in range(times)]
    listed = session.list_keys()
    inspected = inspect_key(session, KeyRef(session.ref, cka_id))
    return made, listed, inspected, session.destroy_key(cka_id)


def find_after_making(directory: Path, before: bytes, algorithm: KeyAlgorithm) -> list[bytes]:
    """CKA_IDs that are taken for doubled in a session that makes two keys before it looks for one
    that was there."""
    session = opened(directory)
    for cka_id in (b"made first", b"made second"):
        session.generate_key(cka_id, algorithm)
    session.find_private(before)
    return session.ambiguous_ids()


def plant(directory: Path, cka_id: bytes, *, extractable: bool, sensitive: bool) -> None:
    """Make an RSA key that our template would not make."""
    opened(directory).session.generate_keypair(
        KeyType.RSA,
        2048,
        id=cka_id,
        label="planted",
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        private_template={Attribute.EXTRACTABLE: extractable, Attribute.SENSITIVE: sensitive},
    )


def probe_throwaway(directory: Path) -> tuple[list[ExportAttempt], list[TokenKey]]:
    """Probe the token, and what is on it afterwards."""
    session = opened(directory)
    return probe_export(session), session.list_keys()


def probe_key(directory: Path, cka_id: bytes) -> tuple[list[ExportAttempt], KeyInspection]:
    """Probe a key, and its attributes afterwards."""
    session = opened(directory)
    key = KeyRef(session.ref, cka_id)
    return probe_existing(session, key), inspect_key(session, key)


def inspect(directory: Path) -> ModuleInspection:
    """What doctor would see."""
    latch = PinLatch(directory / "latch")
    return inspect_module(load(directory), (pool_spec(),), latch)


def make_secrets(
    directory: Path, times: int = 1
) -> tuple[dict[SecretAlgorithm, KeyRef], list[KeyOrigin], list[TokenKey]]:
    """Make a secret key of each algorithm on the authority token, several times over under the
    same CKA_IDs; what was read back, and what is on the token then."""
    session = opened_authority(directory)
    keys = {it: KeyRef(session.ref, os.urandom(16)) for it in SecretAlgorithm}
    origins = [
        session.secrets.generate(key.cka_id, algorithm)
        for algorithm, key in keys.items()
        for _ in range(times)
    ]
    return keys, origins, session.list_keys()


def plant_secret(
    directory: Path,
    cka_id: bytes,
    algorithm: SecretAlgorithm,
    value: bytes,
    *,
    leaks: bool = False,
    replaces: bool = False,
) -> KeyRef:
    """Put a secret key of known value on the authority token."""
    session = opened_authority(directory)
    if replaces:
        session.destroy_key(cka_id)
    spec = secret_spec_of(algorithm)
    template = secret_template(cka_id, spec.uses) | {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: spec.key_type,
        Attribute.VALUE: value,
        Attribute.EXTRACTABLE: leaks,
    }
    session.session.create_object(template)
    return KeyRef(session.ref, cka_id)


def probe_secret(
    directory: Path, key: KeyRef, algorithm: SecretAlgorithm
) -> tuple[list[ExportAttempt], KeyInspection]:
    """Try every way to get a secret key out, and its attributes afterwards."""
    session = opened_authority(directory)
    attempts = _probe(session, session.secrets.find(key.cka_id), "secret", os.urandom)
    return attempts, inspect_secret(session, key, algorithm)


def probe_authority(directory: Path) -> tuple[list[ExportAttempt], list[TokenKey]]:
    """Probe the authority token, and what is on it afterwards."""
    session = opened_authority(directory)
    return probe_export(session), session.list_keys()
