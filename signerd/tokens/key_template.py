"""What a key on the token may do and may not, and what is read back of it."""

from collections.abc import Collection, Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import (
    Attribute,
    AttributeSensitive,
    AttributeTypeInvalid,
    KeyType,
    Object,
    PKCS11Error,
)
from pkcs11.constants import DEFAULT

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import TokenRefused
from signerd.core.record import KeyOrigin
from signerd.tokens.mechanism import generate_spec_of

Template = dict[Attribute, object]

# What a token says that does not know an attribute or keeps it to itself. Everything else, such as
# the loss of a session, says nothing about the key.
_NOT_TOLD: Final = (AttributeTypeInvalid, AttributeSensitive)

_PROTECTION: Final[Template] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}
_PRIVATE_USES: Final = (
    Attribute.DECRYPT,
    Attribute.UNWRAP,
    Attribute.DERIVE,
    Attribute.SIGN_RECOVER,
)
_SECRET_USES: Final = (
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.SIGN,
    Attribute.VERIFY,
    Attribute.WRAP,
    Attribute.UNWRAP,
    Attribute.DERIVE,
)
_PUBLIC_PROTECTION: Final[Template] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: False,
    Attribute.VERIFY: True,
}
_PUBLIC_USES: Final = (Attribute.ENCRYPT, Attribute.WRAP, Attribute.VERIFY_RECOVER)


def label_of(cka_id: bytes) -> str:
    """CKA_LABEL of both halves of a key pair."""
    return f"signerd:{cka_id.hex()}"


def key_templates(cka_id: bytes, *, strict: bool) -> tuple[Template, Template]:
    """Templates of the public and of the private key.

    strict says False for every use but signing. Without it those attributes are left to the
    token, for tokens that refuse to be told (tpm2-pkcs11); what the key may do is then read back.
    """
    named: Template = {Attribute.ID: cka_id, Attribute.LABEL: label_of(cka_id)}
    # DEFAULT takes an attribute out of what python-pkcs11 would add by itself.
    other: object = False if strict else DEFAULT
    public = named | _PUBLIC_PROTECTION | dict.fromkeys(_PUBLIC_USES, other)
    private = named | _PROTECTION | {Attribute.SIGN: True} | dict.fromkeys(_PRIVATE_USES, other)
    return public, private


def secret_template(cka_id: bytes, uses: Collection[Attribute]) -> Template:
    """Template of a secret key that may do these things and nothing else."""
    named: Template = {Attribute.ID: cka_id, Attribute.LABEL: label_of(cka_id)}
    return named | _PROTECTION | {use: use in uses for use in _SECRET_USES}


def read_flag(key: Object, attribute: Attribute) -> bool | None:
    """A boolean attribute; None where the token does not tell."""
    try:
        return bool(key[attribute])
    except PKCS11Error:
        return None


def read_origin(key: Object) -> KeyOrigin:
    """Where a key comes from, as the token tells it."""
    return KeyOrigin(
        local=read_flag(key, Attribute.LOCAL),
        always_sensitive=read_flag(key, Attribute.ALWAYS_SENSITIVE),
        never_extractable=read_flag(key, Attribute.NEVER_EXTRACTABLE),
    )


def excess_uses(private: Object) -> tuple[str, ...]:
    """Uses other than signing that the token allows the private key, by PKCS#11 name."""
    return tuple(f"CKA_{use.name}" for use in _PRIVATE_USES if read_flag(private, use))


def excess_secret_uses(secret: Object, uses: Collection[Attribute]) -> tuple[str, ...]:
    """Uses other than these that the token allows the secret key, by PKCS#11 name."""
    others = (use for use in _SECRET_USES if use not in uses)
    return tuple(f"CKA_{use.name}" for use in others if read_flag(secret, use))


def require_protected(private: Object) -> None:
    """Raises TokenRefused (KEY_NOT_PROTECTED) unless the key is sensitive and not extractable,
    and PKCS11Error when the token cannot say at the moment."""
    _require(private, Attribute.SENSITIVE, wanted=True)
    _require(private, Attribute.EXTRACTABLE, wanted=False)


def _require(private: Object, attribute: Attribute, *, wanted: bool) -> None:
    try:
        value: bool | None = bool(private[attribute])
    except _NOT_TOLD:
        value = None
    if value is wanted:
        return
    raise TokenRefused(
        f"the token made a key that could leave it (CKA_{attribute.name} reads "
        f"{'nothing' if value is None else value}); use another token",
        reason="KEY_NOT_PROTECTED",
    )


def spki_of(public: Object, algorithm: KeyAlgorithm) -> bytes:
    """SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), DER, from the attributes of a public key.

    Raises ValueError when they do not make a key of this algorithm.
    """
    spec = generate_spec_of(algorithm)
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    if spec.key_type is KeyType.RSA:
        modulus = int.from_bytes(public[Attribute.MODULUS], "big")
        exponent = int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big")
        if modulus.bit_length() != spec.bits:
            raise ValueError(f"the token made {modulus.bit_length()} bits, not {spec.bits}")
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    elif spec.key_type is KeyType.EC:
        curve = ec.SECP256R1() if spec.bits == ec.SECP256R1.key_size else ec.SECP384R1()
        point = _unwrap_point(public[Attribute.EC_POINT], 1 + 2 * ((spec.bits + 7) // 8))
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    else:
        point = _unwrap_point(public[Attribute.EC_POINT], spec.bits // 8)
        key = ed25519.Ed25519PublicKey.from_public_bytes(point)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _unwrap_point(value: bytes, size: int) -> bytes:
    # PKCS#11 2.40, section 2.3.3: CKA_EC_POINT is a DER OCTET STRING; some tokens give it bare.
    if len(value) == size:
        return value
    if len(value) == size + 2 and value[:2] == bytes((0x04, size)):
        return value[2:]
    raise ValueError("CKA_EC_POINT has an unknown form")


def destroy_all(objects: Iterable[Object]) -> int:
    """Destroy objects; returns how many."""
    count = 0
    for item in objects:
        item.destroy()
        count += 1
    return count
