"""What a key of each algorithm signs, and the refusal of everything else.

An algorithm belongs to its key for good, so a library that asks for another padding or hash is told
which one the key has, rather than given a signature that it did not ask for.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed

from signerd_client.algorithm import KeyAlgorithm

KeyHash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_HASHES: Final[dict[str, KeyHash]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class KeyScheme:
    """hash_algorithm: None where data is signed as it is (Ed25519). rsa_padding: None for other
    keys than RSA; of PSS the salt is as long as the digest."""

    key_algorithm: KeyAlgorithm
    hash_algorithm: KeyHash | None
    rsa_padding: padding.PKCS1v15 | padding.PSS | None

    @classmethod
    def of(cls, key_algorithm: KeyAlgorithm | None) -> Self:
        """Raises UnsupportedAlgorithm for an algorithm newer than this client."""
        if key_algorithm is None:
            raise UnsupportedAlgorithm(
                "the key has an algorithm that this client does not know;"
                " install the daemon's version of signerd"
            )
        hash_algorithm = _HASHES.get(key_algorithm.rpartition("_")[2])
        return cls(key_algorithm, hash_algorithm, _padding(key_algorithm, hash_algorithm))

    @property
    def required_hash(self) -> KeyHash:
        """The hash. Raises UnsupportedAlgorithm for a key that signs data as it is."""
        if self.hash_algorithm is None:
            raise UnsupportedAlgorithm(
                f"this key is {self.key_algorithm} and signs data, not digests"
            )
        return self.hash_algorithm

    @property
    def prehashed(self) -> Prehashed:
        """What says that bytes are a digest for this key. Raises as required_hash."""
        return Prehashed(self.required_hash)

    def digest(
        self,
        data: bytes | bytearray | memoryview,
        algorithm: hashes.HashAlgorithm | Prehashed | NoDigestInfo,
    ) -> bytes:
        """What to sign for data, or for a digest of it where algorithm is Prehashed.

        Raises UnsupportedAlgorithm for another hash than the key's, ValueError for a digest of
        another length.
        """
        hash_algorithm = self.required_hash
        if not isinstance(algorithm, Prehashed):
            self._require_hash(algorithm)
            hasher = hashes.Hash(hash_algorithm)
            hasher.update(data)
            return hasher.finalize()
        # Its digest_size alone would take SHA3-256 or SHA-512/256 for SHA-256.
        self._require_hash(algorithm._algorithm)  # noqa: SLF001 - it has no other way to ask
        digest = bytes(data)
        if len(digest) != hash_algorithm.digest_size:
            raise ValueError(
                f"a {hash_algorithm.name} digest has {hash_algorithm.digest_size} bytes, not"
                f" {len(digest)}; pass the raw digest, not the data or its hexadecimal form"
            )
        return digest

    def require_padding(self, asked: padding.AsymmetricPadding) -> None:
        """Raises UnsupportedAlgorithm for another padding than the key's."""
        if asked == self.rsa_padding or (
            isinstance(self.rsa_padding, padding.PSS) and asked == self._pss_in_numbers()
        ):
            return
        raise UnsupportedAlgorithm(
            f"this key is {self.key_algorithm} and signs with {self._padding_text()} only;"
            " ask for that, or have a certificate issued for a key of another algorithm"
        )

    def _require_hash(self, asked: object) -> None:
        hash_algorithm = self.required_hash
        if type(asked) is not type(hash_algorithm):
            name = getattr(asked, "name", type(asked).__name__)
            raise UnsupportedAlgorithm(
                f"this key is {self.key_algorithm} and signs with {hash_algorithm.name} only, not"
                f" with {name}; ask for {type(hash_algorithm).__name__}, or have a certificate"
                " issued for a key of another algorithm"
            )

    def _pss_in_numbers(self) -> padding.PSS:
        hash_algorithm = self.required_hash
        return padding.PSS(padding.MGF1(hash_algorithm), hash_algorithm.digest_size)

    def _padding_text(self) -> str:
        if not isinstance(self.rsa_padding, padding.PSS):
            return "PKCS1v15()"
        name = type(self.required_hash).__name__
        return f"PSS(MGF1({name}()), PSS.DIGEST_LENGTH)"


def _padding(
    key_algorithm: KeyAlgorithm, hash_algorithm: KeyHash | None
) -> padding.PKCS1v15 | padding.PSS | None:
    if hash_algorithm is None or not key_algorithm.startswith("RSA_"):
        return None
    if "_PSS_" in key_algorithm:
        return padding.PSS(padding.MGF1(hash_algorithm), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()
