"""Keys on the daemon's token as private keys of the cryptography library.

    key = client.private_key(certificate.credential)
    request = x509.CertificateSigningRequestBuilder(name).sign(key, key.hash_algorithm)

Each is of the class that libraries ask for, and every signature is made by the daemon, which
decides and records it like any other. sign() raises a SignerdError where the daemon refuses, and
UnsupportedAlgorithm where a library asks for another padding or hash than the key's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, Self, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed

from signerd_client import signing_call
from signerd_client.algorithm import KeyAlgorithm
from signerd_client.call import Call
from signerd_client.error import Corrupted, ErrorDetail
from signerd_client.key_scheme import KeyHash, KeyScheme
from signerd_client.signature import PublicKey, Signature

Bytes: TypeAlias = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Signing:
    """How a key has something signed. run: blocks until the daemon has answered, from any thread.

    timeout_s: deadline of one signature; None is the client default. purpose, authorisation: as
    of `sign`, with every signature.
    """

    run: Callable[[Call[Signature]], Signature]
    timeout_s: float | None = None
    purpose: str = ""
    authorisation: str = ""

    def sign(
        self, credential: str, *, data: bytes | None = None, digest: bytes | None = None
    ) -> bytes:
        """The signature by a credential over one of data and digest."""
        call = signing_call.sign(
            credential,
            data=data,
            digest=digest,
            purpose=self.purpose,
            authorisation=self.authorisation,
            timeout_s=self.timeout_s,
        )
        return self.run(call).signature


class _OnToken:
    """What all keys have in common. The key is a name: copies are the same key."""

    def __init__(self, public: PublicKey, scheme: KeyScheme, signing: Signing) -> None:
        self._public = public
        self._scheme = scheme
        self._signing = signing

    @property
    def credential(self) -> str:
        """The resource name of the key."""
        return self._public.credential

    @property
    def certificate(self) -> str:
        """The resource name of the certificate that the key had when it was looked up."""
        return self._public.certificate

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """How the key signs."""
        return self._scheme.key_algorithm

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.credential} {self.key_algorithm}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.credential} is used through a connection, which no other process has;"
            " pass its name and ask a client there for the private_key of it"
        )

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - the parameters of the base class
        format: serialization.PrivateFormat,  # noqa: A002, ARG002 - as above
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002 - as above
    ) -> NoReturn:
        """Raises UnsupportedAlgorithm."""
        raise self._never_leaves()

    def private_numbers(self) -> NoReturn:
        """Raises UnsupportedAlgorithm."""
        raise self._never_leaves()

    def _never_leaves(self) -> UnsupportedAlgorithm:
        return UnsupportedAlgorithm(
            f"the private key of {self.credential} never leaves the token; sign with sign()"
        )

    def _sign_digest(
        self,
        data: Bytes,
        algorithm: hashes.HashAlgorithm | Prehashed | NoDigestInfo,
        verify: Callable[[bytes, bytes, Prehashed], None],
    ) -> bytes:
        """verify: raises InvalidSignature for signature, digest and how that was made."""
        digest, prehashed = self._scheme.digest(data, algorithm), self._scheme.prehashed
        signature = self._signing.sign(self.credential, digest=digest)
        with self._only_own():
            verify(signature, digest, prehashed)
        return signature

    @contextmanager
    def _only_own(self) -> Iterator[None]:
        """Builders take any bytes for a signature, so a wrong one is found here or by nobody."""
        try:
            yield
        except InvalidSignature:
            raise Corrupted(
                ErrorDetail(
                    message=f"the signature answered for {self.credential} is not of its key",
                    reason="SIGNATURE_WRONG",
                    advice="Discard what was being signed, and report it to the operator.",
                )
            ) from None


class RemoteRsaPrivateKey(_OnToken, rsa.RSAPrivateKey):
    """An RSA key on the token."""

    def __init__(
        self, public: PublicKey, scheme: KeyScheme, signing: Signing, key: rsa.RSAPublicKey
    ) -> None:
        super().__init__(public, scheme, signing)
        self._key = key

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._key.key_size

    @property
    def hash_algorithm(self) -> KeyHash:
        """The hash that signatures of this key are made with."""
        return self._scheme.required_hash

    @property
    def rsa_padding(self) -> padding.PKCS1v15 | padding.PSS | None:
        """The padding that signatures of this key are made with."""
        return self._scheme.rsa_padding

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        return self._key

    def sign(
        self,
        data: Bytes,
        padding: AsymmetricPadding,
        algorithm: hashes.HashAlgorithm | Prehashed | NoDigestInfo,
    ) -> bytes:
        """Have data, or a digest with Prehashed, signed by the daemon."""
        self._scheme.require_padding(padding)
        return self._sign_digest(
            data,
            algorithm,
            lambda signature, digest, made: self._key.verify(signature, digest, padding, made),
        )

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> NoReturn:  # noqa: ARG002 - the parameters of the base class
        """Raises UnsupportedAlgorithm."""
        raise UnsupportedAlgorithm(f"{self.credential} is a key for signing; it decrypts nothing")


class RemoteEcPrivateKey(_OnToken, ec.EllipticCurvePrivateKey):
    """An elliptic-curve key on the token. Signatures are DER (RFC 3279, section 2.2.3)."""

    def __init__(
        self, public: PublicKey, scheme: KeyScheme, signing: Signing, key: ec.EllipticCurvePublicKey
    ) -> None:
        super().__init__(public, scheme, signing)
        self._key = key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._key.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve's order."""
        return self._key.key_size

    @property
    def hash_algorithm(self) -> KeyHash:
        """The hash that signatures of this key are made with."""
        return self._scheme.required_hash

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return self._key

    def sign(self, data: Bytes, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Have data, or a digest with Prehashed, signed by the daemon."""
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise UnsupportedAlgorithm(f"{self.credential} signs with ECDSA only")
        if signature_algorithm.deterministic_signing:
            raise UnsupportedAlgorithm(
                "a token makes no deterministic signatures (RFC 6979);"
                " leave deterministic_signing out"
            )
        return self._sign_digest(
            data,
            signature_algorithm.algorithm,
            lambda signature, digest, made: self._key.verify(signature, digest, ec.ECDSA(made)),
        )

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002 - the parameters of the base class
        """Raises UnsupportedAlgorithm."""
        raise UnsupportedAlgorithm(f"{self.credential} is a key for signing; it agrees on no key")


class RemoteEd25519PrivateKey(_OnToken, ed25519.Ed25519PrivateKey):
    """An Ed25519 key on the token. It signs data itself, so all of it goes to the daemon."""

    def __init__(
        self, public: PublicKey, scheme: KeyScheme, signing: Signing, key: ed25519.Ed25519PublicKey
    ) -> None:
        super().__init__(public, scheme, signing)
        self._key = key

    @property
    def hash_algorithm(self) -> None:
        """None, which builders want for such a key."""

    def public_key(self) -> ed25519.Ed25519PublicKey:
        """The public key."""
        return self._key

    def sign(self, data: Bytes) -> bytes:
        """Have data signed by the daemon."""
        signature = self._signing.sign(self.credential, data=bytes(data))
        with self._only_own():
            self._key.verify(signature, data)
        return signature

    def private_bytes_raw(self) -> NoReturn:
        """Raises UnsupportedAlgorithm."""
        raise self._never_leaves()


RemotePrivateKey: TypeAlias = RemoteRsaPrivateKey | RemoteEcPrivateKey | RemoteEd25519PrivateKey


def remote_private_key(public: PublicKey, signing: Signing) -> RemotePrivateKey:
    """The private key that belongs to a public key. Raises UnsupportedAlgorithm for one that is
    newer than this client."""
    scheme = KeyScheme.of(public.key_algorithm)
    key = serialization.load_der_public_key(public.public_key)
    match key:
        case rsa.RSAPublicKey():
            return RemoteRsaPrivateKey(public, scheme, signing, key)
        case ec.EllipticCurvePublicKey():
            return RemoteEcPrivateKey(public, scheme, signing, key)
        case ed25519.Ed25519PublicKey():
            return RemoteEd25519PrivateKey(public, scheme, signing, key)
        case _:
            raise UnsupportedAlgorithm(
                f"{public.credential} has a key of a kind that this client does not know;"
                " install the daemon's version of signerd"
            )
