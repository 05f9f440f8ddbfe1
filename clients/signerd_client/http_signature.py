"""HTTP messages signed with keys on the token (RFC 9421, with content digests of RFC 9530).

    key = client.private_key(credential)
    requests.post(url, json=order, auth=HttpSignature(key))

Needs `pip install 'signerd[http]'`. The bank's server verifies with the certificate's public key,
by whatever library it has. For httpx there is `signerd_client.httpx_signature`, and whatever else
takes a key object for RFC 9421, such as the adapters of http-message-signatures, takes this one.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
    algorithms,
)

from signerd_client.algorithm import KeyAlgorithm
from signerd_client.remote_key import RemotePrivateKey

# RFC 9421, section 6.2.2; other algorithms have no name there.
_ALGORITHMS: Final[dict[KeyAlgorithm, type[HTTPSignatureAlgorithm]]] = {
    KeyAlgorithm.RSA_2048_PKCS1_SHA256: algorithms.RSA_V1_5_SHA256,
    KeyAlgorithm.RSA_3072_PKCS1_SHA256: algorithms.RSA_V1_5_SHA256,
    KeyAlgorithm.RSA_4096_PKCS1_SHA256: algorithms.RSA_V1_5_SHA256,
    KeyAlgorithm.RSA_4096_PSS_SHA512: algorithms.RSA_PSS_SHA512,
    KeyAlgorithm.EC_P256_SHA256: algorithms.ECDSA_P256_SHA256,
    KeyAlgorithm.EC_P384_SHA384: algorithms.ECDSA_P384_SHA384,
    KeyAlgorithm.ED25519: algorithms.ED25519,
}
_OF_EVERY_REQUEST: Final = ("@method", "@target-uri")


class HttpRequest(Protocol):
    """What is needed of a request: those of requests and of httpx have it."""

    method: Any
    url: Any
    headers: Any


RequestT = TypeVar("RequestT", bound=HttpRequest)


@dataclass(frozen=True)
class HttpSignature:
    """Signs requests; an `auth` for the requests library.

    components: what is signed; None for method, target URI and, of requests with content, its type
    and digest. key_id: what the server knows the key by; empty for the name of the credential.
    lifetime_s: how long the signature is to be accepted; None leaves that to the server. label: of
    the signature in the header. nonce: makes one for each request, by which the server finds
    repetitions. names_algorithm: whether `alg` is among the parameters, although a
    server should know it from the key (RFC 9421, section 3.2).

    A request that is redirected is not signed again, so the server it is sent to refuses it.
    """

    key: RemotePrivateKey
    key_id: str = ""
    components: Sequence[str] | None = None
    lifetime_s: int | None = None
    label: str = "sig1"
    nonce: Callable[[], str] | None = None
    names_algorithm: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        """Raises ValueError for a key whose algorithm RFC 9421 has no name for."""
        if self.key.key_algorithm not in _ALGORITHMS:
            raise ValueError(
                f"RFC 9421 has no name for {self.key.key_algorithm}, so no server could verify;"
                f" use a key of one of {', '.join(_ALGORITHMS)}"
            )

    def __call__(self, request: RequestT) -> RequestT:
        """Sign a request of the requests library. Raises ValueError for content that is streamed,
        whose digest cannot be known; and what `key.sign` raises."""
        self.sign(request, _content(getattr(request, "body", None)))
        return request

    def sign(self, request: HttpRequest, content: bytes | None) -> None:
        """Sign a request with this content; None for a request without."""
        key_id, created = self.key_id or self.key.credential, self.now()
        resolver = MappingKeyResolver(public_keys={}, private_keys={key_id: self.key})
        signer = HTTPMessageSigner(
            signature_algorithm=_ALGORITHMS[self.key.key_algorithm], key_resolver=resolver
        )
        lifetime_s = self.lifetime_s
        covered = self._covered(request.headers, content)
        digested = content if "content-digest" in covered else None
        signer.sign(
            request,
            key_id=key_id,
            created=created,
            expires=None if lifetime_s is None else created + timedelta(seconds=lifetime_s),
            nonce=self.nonce() if self.nonce else None,
            label=self.label,
            include_alg=self.names_algorithm,
            covered_component_ids=covered,
            body=digested,
            use_existing_digest=digested is not None and "content-digest" in request.headers,
        )

    def _covered(self, headers: MutableMapping[str, str], content: bytes | None) -> tuple[str, ...]:
        if self.components is not None:
            return tuple(self.components)
        if content is None:
            return _OF_EVERY_REQUEST
        content_type = ("content-type",) if "content-type" in headers else ()
        return (*_OF_EVERY_REQUEST, *content_type, "content-digest")


def _content(body: object) -> bytes | None:
    match body:
        case None:
            return None
        case str():
            return body.encode()
        case bytes() | bytearray():
            return bytes(body)
        case _:
            raise ValueError(
                "the content of a signed request is bytes or text: its digest is signed, so it"
                " cannot be streamed; read it first"
            )
