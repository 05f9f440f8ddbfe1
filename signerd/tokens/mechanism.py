"""Which PKCS#11 mechanism an algorithm means: pure functions to frozen specs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, KeyType, Mechanism

from signerd.core.algorithm import (
    SPECS,
    AlgorithmSpec,
    Hash,
    KeyAlgorithm,
    Padding,
)
from signerd.core.algorithm import KeyType as CoreKeyType
from signerd.core.error import InvalidRequest

# DER of DigestInfo up to the digest itself (RFC 8017, section 9.2, note 1).
_DIGEST_INFO: Final = {
    Hash.SHA256: bytes.fromhex("3031300d060960864801650304020105000420"),
    Hash.SHA384: bytes.fromhex("3041300d060960864801650304020205000430"),
    Hash.SHA512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
_PSS_HASH: Final = {
    Hash.SHA256: (Mechanism.SHA256, MGF.SHA256),
    Hash.SHA384: (Mechanism.SHA384, MGF.SHA384),
    Hash.SHA512: (Mechanism.SHA512, MGF.SHA512),
}
# DER object identifiers for CKA_EC_PARAMS (RFC 5480, section 2.1.1.1; RFC 8410, section 3).
_EC_PARAMS: Final = {
    (CoreKeyType.EC, 256): bytes.fromhex("06082a8648ce3d030107"),
    (CoreKeyType.EC, 384): bytes.fromhex("06052b81040022"),
    (CoreKeyType.ED25519, 256): bytes.fromhex("06032b6570"),
}


@dataclass(frozen=True, slots=True)
class SignSpec:
    """How to sign.

    prefix: what precedes the input in the data given to the token. input_size: length the input
    must have, None for a message of any length. finish: from what the token returns to the
    signature as the API encodes it.
    """

    mechanism: Mechanism
    parameter: tuple[Mechanism, MGF, int] | None
    prefix: bytes
    input_size: int | None
    finish: Callable[[bytes], bytes]

    def data_for(self, message: bytes) -> bytes:
        """What the token signs. Raises InvalidRequest (DIGEST_LENGTH)."""
        if self.input_size is not None and len(message) != self.input_size:
            raise InvalidRequest(
                f"the digest has {len(message)} bytes; the key's hash makes {self.input_size}",
                reason="DIGEST_LENGTH",
            )
        return self.prefix + message if self.prefix else message


@dataclass(frozen=True, slots=True)
class GenerateSpec:
    """How to make a key pair. bits: RSA only; ec_params: CKA_EC_PARAMS of the other types."""

    mechanism: Mechanism
    key_type: KeyType
    bits: int
    ec_params: bytes | None


def ecdsa_der(raw: bytes) -> bytes:
    """Ecdsa-Sig-Value (RFC 3279, section 2.2.3) of r and s side by side (PKCS#11, CKM_ECDSA)."""
    half = len(raw) // 2
    return encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )


def _as_is(raw: bytes) -> bytes:
    return raw


def _sign_spec(spec: AlgorithmSpec) -> SignSpec:
    if spec.hash is None:
        return SignSpec(Mechanism.EDDSA, None, b"", None, _as_is)
    size = spec.hash.digest_size
    if spec.key_type is CoreKeyType.EC:
        return SignSpec(Mechanism.ECDSA, None, b"", size, ecdsa_der)
    if spec.padding is Padding.PSS:
        parameter = (*_PSS_HASH[spec.hash], size)
        return SignSpec(Mechanism.RSA_PKCS_PSS, parameter, b"", size, _as_is)
    return SignSpec(Mechanism.RSA_PKCS, None, _DIGEST_INFO[spec.hash], size, _as_is)


def _generate_spec(spec: AlgorithmSpec) -> GenerateSpec:
    if spec.key_type is CoreKeyType.RSA:
        return GenerateSpec(Mechanism.RSA_PKCS_KEY_PAIR_GEN, KeyType.RSA, spec.bits, None)
    params = _EC_PARAMS[spec.key_type, spec.bits]
    if spec.key_type is CoreKeyType.EC:
        return GenerateSpec(Mechanism.EC_KEY_PAIR_GEN, KeyType.EC, spec.bits, params)
    return GenerateSpec(Mechanism.EC_EDWARDS_KEY_PAIR_GEN, KeyType.EC_EDWARDS, spec.bits, params)


_SIGN: Final = {algorithm: _sign_spec(spec) for algorithm, spec in SPECS.items()}
_GENERATE: Final = {algorithm: _generate_spec(spec) for algorithm, spec in SPECS.items()}


def sign_spec_of(algorithm: KeyAlgorithm) -> SignSpec:
    """How a key of this algorithm signs."""
    return _SIGN[algorithm]


def generate_spec_of(algorithm: KeyAlgorithm) -> GenerateSpec:
    """How a key of this algorithm is made."""
    return _GENERATE[algorithm]
