"""Does the token let a key go? Attributes prove nothing, so every way is tried.

NSS, for one, calls a key never-extractable and wraps it all the same.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)
from pkcs11 import Attribute, Object, PKCS11Error, WrapMixin

from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.error import TokenRefused
from signerd.core.lifecycle import TokenPurpose
from signerd.core.value import KeyRef
from signerd.tokens.error import Pkcs11Errors
from signerd.tokens.key_template import destroy_all
from signerd.tokens.session import TokenSession
from signerd.tokens.wrapping_key import Wrapping, wrappings

# Throwaway keys are known by their CKA_ID, so that those of a probe that was killed are found.
_ID_PREFIX: Final = b"export-probe"
_ID_RANDOM_BYTES: Final = 4
_THROWAWAY: Final = (KeyAlgorithm.RSA_2048_PKCS1_SHA256, KeyAlgorithm.EC_P256_SHA256)
# The authority's token only: subscribers have no secret keys.
_THROWAWAY_SECRETS: Final = (SecretAlgorithm.AES_256_GCM, SecretAlgorithm.HMAC_SHA256)
_SECRET_ATTRIBUTES: Final = (
    Attribute.VALUE,
    Attribute.PRIVATE_EXPONENT,
    Attribute.PRIME_1,
    Attribute.PRIME_2,
    Attribute.EXPONENT_1,
    Attribute.EXPONENT_2,
    Attribute.COEFFICIENT,
)
_LOOSER: Final[tuple[dict[Attribute, object], ...]] = (
    {Attribute.EXTRACTABLE: True},
    {Attribute.SENSITIVE: False},
    {Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False},
)


@dataclass(frozen=True, slots=True)
class ExportAttempt:
    """One way to get a key out. refused: nothing of the key came out. detail: what happened."""

    way: str
    refused: bool
    detail: str


def probe_export(
    session: TokenSession, random: Callable[[int], bytes] = os.urandom
) -> list[ExportAttempt]:
    """Try every way on throwaway keys made as all keys are, and destroy them, together with what a
    probe left that was killed.

    Raises TokenRefused (MECHANISM_UNSUPPORTED) when the token makes none of these keys, and what
    TokenSession raises.
    """
    attempts: list[ExportAttempt] = []
    refusal: TokenRefused | None = None
    _destroy_leftovers(session)
    has_secrets = session.purpose is TokenPurpose.AUTHORITY
    for algorithm in (*_THROWAWAY, *(_THROWAWAY_SECRETS if has_secrets else ())):
        cka_id = _ID_PREFIX + random(_ID_RANDOM_BYTES)
        try:
            key = _make(session, cka_id, algorithm)
            attempts += _probe(session, key, algorithm.value, random)
        except TokenRefused as error:
            refusal = error
        finally:
            session.destroy_key(cka_id)
    if not attempts and refusal is not None:
        raise refusal
    return attempts


def _make(
    session: TokenSession, cka_id: bytes, algorithm: KeyAlgorithm | SecretAlgorithm
) -> Object:
    if isinstance(algorithm, SecretAlgorithm):
        session.secrets.generate(cka_id, algorithm)
        return session.secrets.find(cka_id)
    session.generate_key(cka_id, algorithm)
    return session.find_private(cka_id)


def _destroy_leftovers(session: TokenSession) -> None:
    for key in session.list_keys():
        if key.cka_id.startswith(_ID_PREFIX):
            session.destroy_key(key.cka_id)


def probe_existing(
    session: TokenSession, key: KeyRef, random: Callable[[int], bytes] = os.urandom
) -> list[ExportAttempt]:
    """The same on a key in use, which stays as it is: an attribute that the token lets us change
    is changed back."""
    return _probe(session, session.find_private(key.cka_id), key.cka_id.hex(), random)


def _probe(
    session: TokenSession, key: Object, name: str, random: Callable[[int], bytes]
) -> list[ExportAttempt]:
    with Pkcs11Errors(f"{session.ref}: export probe"):
        ways = list(wrappings(session.session, random))
        try:
            attempts = [*_read(key, name), *_wrap(key, ways, name)]
            for looser in _LOOSER:
                attempts.append(_copy(key, looser, ways, name))
                attempts.append(_set(key, looser, ways, name))
        finally:
            destroy_all({id(it.key): it.key for it in ways}.values())
    return attempts


def _read(key: Object, name: str) -> Iterator[ExportAttempt]:
    for attribute in _SECRET_ATTRIBUTES:
        way = f"{name}: read CKA_{attribute.name}"
        try:
            value = bytes(key[attribute])
        except PKCS11Error as error:
            yield ExportAttempt(way, refused=True, detail=type(error).__name__)
        else:
            yield ExportAttempt(way, refused=not value, detail=f"{len(value)} bytes came out")


def _wrap(key: Object, ways: list[Wrapping], name: str) -> Iterator[ExportAttempt]:
    for wrapping in ways:
        way = f"{name}: C_WrapKey {wrapping.name}"
        if not isinstance(wrapping.key, WrapMixin):
            continue
        try:
            # The library's types say Key; the object of a private or secret key is one.
            blob = wrapping.key.wrap_key(
                key,  # type: ignore[arg-type]  # found by its class
                mechanism=wrapping.mechanism,
                mechanism_param=wrapping.parameter,  # type: ignore[arg-type]  # typed too narrowly there
            )
        except (PKCS11Error, TypeError) as error:
            yield ExportAttempt(way, refused=True, detail=type(error).__name__)
        else:
            yield ExportAttempt(way, refused=not blob, detail=_judge(wrapping, blob, key))


def _judge(wrapping: Wrapping, blob: bytes, key: Object) -> str:
    """What a blob is. Whatever it is, it left the token under a key that is ours."""
    try:
        private = load_der_private_key(wrapping.unwrap(blob).rstrip(b"\0"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return f"a blob of {len(blob)} bytes came out"
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with contextlib.suppress(PKCS11Error):
        modulus = bytes(key[Attribute.MODULUS])
        if modulus in spki:
            return "the private key was recovered in clear"
    return f"a private key was recovered in clear; its public key is {spki.hex()}"


def _copy(
    key: Object, looser: dict[Attribute, object], ways: list[Wrapping], name: str
) -> ExportAttempt:
    way = f"{name}: C_CopyObject with {_text(looser)}"
    try:
        copy = key.copy({Attribute.TOKEN: False, **looser})
    except PKCS11Error as error:
        return ExportAttempt(way, refused=True, detail=type(error).__name__)
    try:
        return _outcome(way, copy, ways, name)
    finally:
        copy.destroy()


def _set(
    key: Object, looser: dict[Attribute, object], ways: list[Wrapping], name: str
) -> ExportAttempt:
    way = f"{name}: C_SetAttributeValue {_text(looser)}"
    before: dict[Attribute, bool] = {}
    try:
        for attribute, value in looser.items():
            was = bool(key[attribute])
            key[attribute] = value
            before[attribute] = was
        return _outcome(way, key, ways, name)
    except PKCS11Error as error:
        return ExportAttempt(way, refused=True, detail=type(error).__name__)
    finally:
        for attribute, was in before.items():
            if was != looser[attribute]:
                key[attribute] = was


def _outcome(way: str, key: Object, ways: list[Wrapping], name: str) -> ExportAttempt:
    """Allowed to change; what counts is whether the key comes out now."""
    out = [it for it in (*_read(key, name), *_wrap(key, ways, name)) if not it.refused]
    if out:
        return ExportAttempt(way, refused=False, detail=f"then {out[0].way}: {out[0].detail}")
    return ExportAttempt(way, refused=True, detail="accepted, and still nothing came out")


def _text(template: dict[Attribute, object]) -> str:
    return ", ".join(f"CKA_{it.name}={value}" for it, value in template.items())
