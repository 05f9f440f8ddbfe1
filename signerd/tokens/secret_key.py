"""Secret keys on a token: sealing small data, and keyed hashes.

A sealed value is a version byte (1), the 96-bit nonce, and ciphertext and 128-bit tag of AES-GCM
(NIST SP 800-38D). Nonces are random numbers of the token, which bounds a key to 2**32 values
(section 8.3 there).
"""

from dataclasses import dataclass
from typing import Final, cast

from pkcs11 import (
    Attribute,
    DecryptMixin,
    EncryptMixin,
    GCMParams,
    KeyType,
    Mechanism,
    Object,
    PKCS11Error,
    Session,
    SignMixin,
)

from signerd.core.algorithm import SecretAlgorithm
from signerd.core.error import Internal, TokenRefused
from signerd.core.record import KeyOrigin
from signerd.core.value import TokenRef
from signerd.tokens.error import Pkcs11Errors
from signerd.tokens.key_handle import KeyHandles
from signerd.tokens.key_template import (
    destroy_all,
    read_origin,
    require_protected,
    secret_template,
)
from signerd.tokens.search import GONE, objects_left

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_VERSION: Final = b"\x01"
_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """How to make a secret key, and all it may do."""

    key_type: KeyType
    mechanism: Mechanism
    uses: frozenset[Attribute]


_SPECS: Final = {
    SecretAlgorithm.AES_256_GCM: SecretSpec(
        KeyType.AES, Mechanism.AES_KEY_GEN, frozenset({Attribute.ENCRYPT, Attribute.DECRYPT})
    ),
    SecretAlgorithm.HMAC_SHA256: SecretSpec(
        KeyType.GENERIC_SECRET, Mechanism.GENERIC_SECRET_KEY_GEN, frozenset({Attribute.SIGN})
    ),
}


def secret_spec_of(algorithm: SecretAlgorithm) -> SecretSpec:
    """How a key of this algorithm is made."""
    return _SPECS[algorithm]


class SecretKeys:
    """The secret keys of a token session.

    Every method raises what those of TokenSession do; plaintexts are in no error.
    """

    def __init__(self, ref: TokenRef, session: Session, handles: KeyHandles) -> None:
        self._ref = ref
        self._session = session
        self._handles = handles
        self.find = handles.find
        self.drop = handles.drop
        self.hold_all = handles.hold_all
        self.ambiguous_ids = handles.ambiguous_ids

    def generate(self, cka_id: bytes, algorithm: SecretAlgorithm) -> KeyOrigin:
        """Make a secret key; what an earlier attempt left under this CKA_ID is destroyed first.

        Raises TokenRefused (TEMPLATE_REFUSED) when the token cannot limit what the key may do.
        """
        spec = secret_spec_of(algorithm)
        with Pkcs11Errors(f"{self._ref}: generate"):
            self._handles.drop(cka_id)
            destroy_all(list(objects_left(self._session, {Attribute.ID: cka_id})))
            key = self._session.generate_key(
                spec.key_type,
                _BITS,
                mechanism=spec.mechanism,
                template=secret_template(cka_id, spec.uses),
            )
            try:
                require_protected(key)
            except TokenRefused:
                key.destroy()
                raise
            self._handles.hold(cka_id, key)
            return read_origin(key)

    def seal(self, cka_id: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """Encrypt. associated: what the value belongs to; only with it is it unsealed again.

        Raises TokenRefused (KEY_NOT_FOUND, AMBIGUOUS_KEY, KEY_USAGE_REFUSED).
        """
        return _VERSION + self._handles.use(cka_id, self._encrypt, plaintext, associated)

    def unseal(self, cka_id: bytes, sealed: bytes, associated: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises Internal (SEAL_BROKEN) when it is not that, when it belongs to something else or is
        sealed with another key; TokenRefused as `seal`.
        """
        start = len(_VERSION) + _NONCE_BYTES
        if len(sealed) < start + _TAG_BYTES or not sealed.startswith(_VERSION):
            raise self._broken()
        nonce, encrypted = sealed[len(_VERSION) : start], sealed[start:]
        return self._handles.use(cka_id, self._decrypt, encrypted, associated, nonce)

    def mac(self, cka_id: bytes, data: bytes) -> bytes:
        """HMAC-SHA-256 (RFC 2104), 32 bytes. Raises TokenRefused as `seal`."""
        return self._handles.use(cka_id, self._authenticate, data)

    def _encrypt(self, key: Object, plaintext: bytes, associated: bytes) -> bytes:
        if not isinstance(key, EncryptMixin):
            raise self._not_usable("encrypt")
        with Pkcs11Errors(f"{self._ref}: seal"):
            nonce = self._session.generate_random(8 * _NONCE_BYTES)
            encrypted = key.encrypt(
                plaintext,
                mechanism=Mechanism.AES_GCM,
                mechanism_param=GCMParams(nonce, associated),
            )
            return nonce + cast("bytes", encrypted)

    def _decrypt(self, key: Object, encrypted: bytes, associated: bytes, nonce: bytes) -> bytes:
        if not isinstance(key, DecryptMixin):
            raise self._not_usable("decrypt")
        with Pkcs11Errors(f"{self._ref}: unseal"):
            try:
                decrypted = key.decrypt(
                    encrypted,
                    mechanism=Mechanism.AES_GCM,
                    mechanism_param=GCMParams(nonce, associated),
                )
            except GONE:
                raise
            except PKCS11Error as error:
                # SoftHSM says CKR_GENERAL_ERROR to a wrong tag, which otherwise means that the
                # session is lost. One that still encrypts is not.
                self._encrypt(key, b"", b"")
                raise self._broken() from error
            return cast("bytes", decrypted)

    def _authenticate(self, key: Object, data: bytes) -> bytes:
        if not isinstance(key, SignMixin):
            raise self._not_usable("make keyed hashes")
        with Pkcs11Errors(f"{self._ref}: keyed hash"):
            return key.sign(data, mechanism=Mechanism.SHA256_HMAC)

    def _not_usable(self, act: str) -> TokenRefused:
        return TokenRefused(f"{self._ref}: the key may not {act}", reason="KEY_USAGE_REFUSED")

    def _broken(self) -> Internal:
        return Internal(
            f"{self._ref}: a sealed value was changed, or belongs to something else; restore the "
            "store and the token from backups of the same moment",
            reason="SEAL_BROKEN",
        )
