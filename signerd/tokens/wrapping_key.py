"""Wrapping keys of which we know the value, to see whether a token hands a key out under one."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pkcs11 import (
    Attribute,
    CTRParams,
    GCMParams,
    KeyType,
    Mechanism,
    MechanismFlag,
    Object,
    ObjectClass,
    PKCS11Error,
    Session,
)

_IV: Final = bytes(16)
_NONCE: Final = bytes(12)
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - the default of CKM_RSA_PKCS_OAEP; guards nothing
_RSA_BITS: Final = 2048  # wraps a PKCS#8 P-256 key whole

_CIPHERS: Final = ("AES_", "DES3_", "RSA_")
_NO_WRAP: Final = ("GEN", "MAC", "DATA", "PSS", "9796")

Unwrap = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Wrapping:
    """One way to wrap. unwrap: gives what was wrapped, or raises ValueError; it has no way to
    undo some mechanisms, and then always raises."""

    mechanism: Mechanism
    parameter: object
    key: Object
    unwrap: Unwrap

    @property
    def name(self) -> str:
        """As PKCS#11 calls it."""
        return f"CKM_{self.mechanism.name}"


def wrappings(session: Session, random: Callable[[int], bytes]) -> Iterator[Wrapping]:
    """Every mechanism for which the token claims CKF_WRAP, with a key of ours where it takes
    one. The keys are session objects; the caller destroys them."""
    value = random(32)
    aes = _known_aes(session, value)
    software = rsa.generate_private_key(65537, _RSA_BITS)
    rsa_key = _known_rsa(session, software.public_key())
    for mechanism in _wrap_mechanisms(session):
        is_rsa = mechanism.name.startswith("RSA")
        key = rsa_key if is_rsa else aes
        if key is None:
            continue
        unwrap = _rsa_unwrap(mechanism, software) if is_rsa else _aes_unwrap(mechanism, value)
        yield Wrapping(mechanism, _parameter(mechanism), key, unwrap)


def _wrap_mechanisms(session: Session) -> list[Mechanism]:
    """Those that claim CKF_WRAP, and those that wrap on some token whatever this one claims:
    SoftHSM leaves the flags of some mechanisms undefined."""
    slot = session.token.slot
    found = []
    for mechanism in slot.get_mechanisms():
        # A vendor's own mechanism, which the library has no name for, comes as a bare number.
        if not isinstance(mechanism, Mechanism):
            continue
        if mechanism.name.startswith(_CIPHERS) and not any(it in mechanism.name for it in _NO_WRAP):
            found.append(mechanism)
            continue
        with contextlib.suppress(PKCS11Error):
            if slot.get_mechanism_info(mechanism).flags & MechanismFlag.WRAP:
                found.append(mechanism)
    return sorted(found)


def _known_aes(session: Session, value: bytes) -> Object | None:
    template = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.TOKEN: False,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: False,
        Attribute.EXTRACTABLE: True,
        Attribute.WRAP: True,
        Attribute.ENCRYPT: True,
        Attribute.DECRYPT: True,
        Attribute.VALUE: value,
    }
    return _create(session, template) or _unknown_aes(session)


def _unknown_aes(session: Session) -> Object | None:
    """For tokens that take no key from outside: whoever can wrap under it can also decrypt with
    it."""
    template = {Attribute.WRAP: True, Attribute.DECRYPT: True, Attribute.TOKEN: False}
    try:
        return session.generate_key(KeyType.AES, 256, template=template)
    except PKCS11Error:
        return None


def _known_rsa(session: Session, public: rsa.RSAPublicKey) -> Object | None:
    numbers = public.public_numbers()
    template = {
        Attribute.CLASS: ObjectClass.PUBLIC_KEY,
        Attribute.KEY_TYPE: KeyType.RSA,
        Attribute.TOKEN: False,
        Attribute.PRIVATE: False,
        Attribute.WRAP: True,
        Attribute.ENCRYPT: True,
        Attribute.MODULUS: numbers.n.to_bytes(_RSA_BITS // 8, "big"),
        Attribute.PUBLIC_EXPONENT: numbers.e.to_bytes(3, "big"),
    }
    return _create(session, template)


def _create(session: Session, template: dict[Attribute, object]) -> Object | None:
    try:
        return session.create_object(template)
    except PKCS11Error:
        return None


def _parameter(mechanism: Mechanism) -> object:
    if "CBC" in mechanism.name:
        return _IV if mechanism.name.startswith("AES") else _IV[:8]
    if mechanism is Mechanism.AES_GCM:
        return GCMParams(_NONCE)
    if mechanism is Mechanism.AES_CTR:
        return CTRParams(_NONCE)
    return None


def _aes_unwrap(mechanism: Mechanism, value: bytes) -> Unwrap:
    def unwrap(blob: bytes) -> bytes:
        try:
            if mechanism is Mechanism.AES_KEY_WRAP:
                return keywrap.aes_key_unwrap(value, blob)
            if mechanism.name in {"AES_KEY_WRAP_PAD", "AES_KEY_WRAP_KWP"}:
                return keywrap.aes_key_unwrap_with_padding(value, blob)
        except keywrap.InvalidUnwrap as error:
            raise ValueError("not wrapped as RFC 3394 or 5649 say") from error
        return _decrypt(mechanism, value, blob)

    return unwrap


def _decrypt(mechanism: Mechanism, value: bytes, blob: bytes) -> bytes:
    mode: modes.CBC | modes.ECB | modes.GCM
    if mechanism is Mechanism.AES_GCM:
        mode = modes.GCM(_NONCE, blob[-16:])
        blob = blob[:-16]
    elif mechanism is Mechanism.AES_ECB:
        mode = modes.ECB()  # noqa: S305 - undoes what the token did
    elif mechanism in (Mechanism.AES_CBC, Mechanism.AES_CBC_PAD):
        mode = modes.CBC(_IV)
    else:
        raise ValueError("no way to undo this mechanism")
    decryptor = Cipher(algorithms.AES(value), mode).decryptor()
    try:
        clear = decryptor.update(blob) + decryptor.finalize()
    except InvalidTag as error:
        raise ValueError("wrong tag") from error
    if mechanism is Mechanism.AES_CBC_PAD:
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(clear) + unpadder.finalize()
    return clear


def _rsa_unwrap(mechanism: Mechanism, software: rsa.RSAPrivateKey) -> Unwrap:
    def unwrap(blob: bytes) -> bytes:
        if mechanism is Mechanism.RSA_PKCS_OAEP:
            return software.decrypt(blob, _OAEP)
        return software.decrypt(blob, padding.PKCS1v15())

    return unwrap
